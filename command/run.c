/* SPDX-License-Identifier: MIT */
/* microvm run: what systemctl start and stop do, with the console between them. */
#include "verb.h"

#include "attach.h"
#include "instance.h"
#include "terminal.h"
#include "waiting.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_EVERY = 100 * 1000 }; /* microseconds */

struct run {
	struct systemd bus;
	const char *name;
	char *unit;
	bool started, stopping;
};

static void drop_run(struct run *run)
{
	drop_systemd(&run->bus);
	free(run->unit);
}

/* First the guest is asked, then it is not. */
static bool leave(void *arg)
{
	struct run *run = arg;

	if (!run->stopping) {
		terminal_tell("stopping; Ctrl-] once more ends it at once");
		run->stopping = bus_job(&run->bus, "StopUnit", run->unit) == EXIT_DONE;
	} else {
		(void)bus_kill(&run->bus, run->unit, "all", SIGKILL);
	}
	return false;
}

/* A start that failed has no console to wait for. */
static bool start_failed(void *arg, int *patience)
{
	struct run *run = arg;
	const char *result;

	*patience = waiting_show(&run->bus);
	if (bus_turn(&run->bus) != EXIT_DONE)
		return true;
	result = bus_result(&run->bus, run->unit);
	return result && strcmp(result, "done") != 0 && !run->stopping;
}

static bool is(const struct words *properties, const char *name, const char *value)
{
	return strcmp(property(properties, name), value) == 0;
}

static bool has_ended(const struct words *unit)
{
	return is(unit, "ActiveState", "inactive") || is(unit, "ActiveState", "failed");
}

/* A hypervisor has ended: waits until that is all, or another is about to run. */
static int settle(struct run *run, struct words *unit)
{
	int r;

	for (;;) {
		words_clear(unit);
		r = bus_unit(&run->bus, run->unit, unit);
		if (r != EXIT_DONE || has_ended(unit) || is(unit, "SubState", "auto-restart"))
			return r;
		(void)usleep(LOOK_EVERY);
	}
}

static int show(struct run *run)
{
	const struct terminal_watch watch = { bus_fd(&run->bus), start_failed };
	const char *greeting = run->started ? NULL : "starting; Ctrl-] stops";
	OWNED(drop_fd) int socket = -1;
	int r = attach_open(&run->bus, run->name, &socket);

	if (r == EXIT_DONE && !run->started)
		r = bus_job(&run->bus, "StartUnit", run->unit);
	if (r != EXIT_DONE)
		return r;
	run->started = true;
	r = terminal_join(socket, greeting, &watch, leave, run);
	return r < 0 ? log_failure(r, "the terminal") : EXIT_DONE;
}

static int tell_end(const struct run *run, const struct words *unit)
{
	if (is(unit, "Result", "success"))
		return EXIT_DONE;
	log_line(LEVEL_ERROR, "%s has failed (%s); see: systemctl status %s", run->name,
		 property(unit, "Result"), run->unit);
	return EXIT_REFUSED;
}

static int run_to_end(struct run *run)
{
	OWNED(drop_words) struct words unit = { 0 };
	int r = show(run);

	while (r == EXIT_DONE) {
		r = settle(run, &unit);
		if (r != EXIT_DONE || has_ended(&unit))
			break;
		r = show(run);
	}
	return r == EXIT_DONE ? tell_end(run, &unit) : r;
}

static int refuse_running(struct run *run)
{
	OWNED(drop_words) struct words unit = { 0 };
	int r = bus_unit(&run->bus, run->unit, &unit);

	if (r != EXIT_DONE || has_ended(&unit))
		return r;
	log_line(LEVEL_ERROR, "%s runs already; microvm console %s attaches to it", run->name,
		 run->name);
	return EXIT_REFUSED;
}

int verb_run(const struct call *call)
{
	OWNED(drop_str) char *name = NULL;
	OWNED(drop_run) struct run run = { 0 };
	int r = instance_name(call->arguments[0], &name);

	if (r != EXIT_DONE)
		return r;
	run.name = name;
	run.unit = instance_unit(name);
	r = bus_open(&run.bus);
	if (r == EXIT_DONE)
		r = refuse_running(&run);
	return r == EXIT_DONE ? run_to_end(&run) : r;
}
