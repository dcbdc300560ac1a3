/* SPDX-License-Identifier: MIT */
/* microvm power: what a machine's front has, a power button, a reset button and a plug. */
#include "verb.h"

#include "bus.h"
#include "instance.h"
#include "question.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../hypervisors/hypervisor.h"

#include <signal.h>
#include <string.h>

static int begin(struct systemd *bus, const char *job, const char *unit)
{
	int r = bus_open(bus);

	return r == EXIT_DONE ? bus_job(bus, job, unit) : r;
}

/* The job comes first, so that the hypervisor's end is part of it. */
static int cut_off(struct systemd *bus, const char *job, const char *unit)
{
	int r = begin(bus, job, unit);

	if (r == EXIT_DONE)
		r = bus_kill(bus, unit, "main", SIGKILL);
	return r == EXIT_DONE ? bus_wait(bus) : r;
}

/* As a stop: the guest is asked, and no restart policy starts again what was switched off. */
static int power_off(const struct microvm *vm, const char *unit)
{
	OWNED(drop_systemd) struct systemd bus = { 0 };
	int r = begin(&bus, "StopUnit", unit);

	(void)vm;
	return r == EXIT_DONE ? bus_wait(&bus) : r;
}

/* What is asked for is no failure. */
static int power_kill(const struct microvm *vm, const char *unit)
{
	OWNED(drop_systemd) struct systemd bus = { 0 };
	int r = cut_off(&bus, "StopUnit", unit);

	(void)vm;
	if (r == EXIT_DONE)
		bus_reset_failed(&bus, unit);
	return r;
}

/* Where a machine cannot be reset, it is cut off and started again. */
static int power_reset(const struct microvm *vm, const char *unit)
{
	OWNED(drop_systemd) struct systemd bus = { 0 };
	OWNED(drop_str) char *reply = NULL;
	const char *question = hypervisors[vm->hypervisor]->ask_reset;

	if (question && vm->socket && *vm->socket)
		return put_question(vm, question, &reply);
	return cut_off(&bus, "RestartUnit", unit);
}

static const struct action {
	const char *name;
	int (*run)(const struct microvm *vm, const char *unit);
} actions[] = {
	{ "poweroff", power_off },
	{ "reset", power_reset },
	{ "kill", power_kill },
};

static const struct action *action_find(const char *name)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	log_line(LEVEL_ERROR, "'%s' is not one of poweroff, reset and kill", name);
	return NULL;
}

int verb_power(const struct call *call)
{
	const struct action *action = action_find(call->arguments[1]);
	OWNED(drop_microvm) struct microvm vm = { 0 };
	OWNED(drop_str) char *name = NULL;
	OWNED(drop_str) char *unit = NULL;
	int r;

	if (!action)
		return EXIT_CALLED_WRONGLY;
	r = instance_name(call->arguments[0], &name);
	if (r == EXIT_DONE)
		r = instance_running(name, &vm);
	if (r != EXIT_DONE)
		return r;
	unit = instance_unit(name);
	return action->run(&vm, unit);
}
