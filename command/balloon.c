/* SPDX-License-Identifier: MIT */
#include "verb.h"

#include "instance.h"
#include "package-program.h"
#include "question.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/keys.h"
#include "../config/package.h"
#include "../hypervisors/control.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>
#include <unistd.h>

enum {
	LOOK_EVERY = 200,    /* milliseconds */
	STANDS_STILL = 5000, /* until the guest is taken to give no more */
};

static void drop_json(json_object **o)
{
	(void)json_object_put(*o);
}

/* The one of its numbers that says most; NULL: none says anything of this one. */
static const char *field_of(const struct microvm *vm)
{
	const struct balloon *b = hypervisors[vm->hypervisor]->balloon;
	bool clear = !b->counts_plugged || vm->hotplug_mem == 0;

	return b->has ? b->has : b->left && clear ? b->left : b->wanted;
}

/* "BalloonStats.balloon_actual" of the reply, if that is no more than MOST. */
static bool number_of(const char *reply, const char *field, uint64_t most, uint64_t *ret)
{
	OWNED(drop_json) json_object *whole = json_tokener_parse(reply);
	OWNED(drop_str) char *path = text_copy(field);
	json_object *o = whole;
	char *rest = path, *part;

	while ((part = strsep(&rest, ".")))
		if (!json_object_object_get_ex(o, part, &o))
			return false;
	*ret = (uint64_t)json_object_get_int64(o);
	return json_object_is_type(o, json_type_int) && *ret <= most;
}

/* What the balloon has, in bytes. */
static int balloon_ask(const struct microvm *vm, uint64_t *ret)
{
	const struct hypervisor *h = hypervisors[vm->hypervisor];
	const char *field = field_of(vm);
	OWNED(drop_str) char *reply = NULL;
	uint64_t number;
	int r = put_question(vm, h->balloon->ask, &reply);

	if (r != EXIT_DONE)
		return r;
	if (!reply || !number_of(reply, field, vm->mem / h->balloon->unit, &number)) {
		log_line(LEVEL_ERROR, "%s does not tell the size of the balloon: %s", h->name,
			 reply ? reply : "no reply");
		return EXIT_REFUSED;
	}
	number *= h->balloon->unit;
	*ret = field == h->balloon->left ? vm->mem - number : number;
	return EXIT_DONE;
}

static int balloon_set(const struct microvm *vm, uint64_t size)
{
	const struct balloon *b = hypervisors[vm->hypervisor]->balloon;
	const uint64_t number = (b->sets_left ? vm->mem - size : size) / b->unit;
	OWNED(drop_str) char *reply = NULL;
	OWNED(drop_text) struct text question = { 0 };
	const char *at = strstr(b->set, "%ju");

	text_addf(&question, "%.*s%" PRIu64 "%s", (int)(at - b->set), b->set, number, at + strlen("%ju"));
	return put_question(vm, question.at, &reply);
}

static void show(const struct microvm *vm, uint64_t size)
{
	bool wanted = field_of(vm) == hypervisors[vm->hypervisor]->balloon->wanted;
	const char *verb = wanted ? "is to have" : "has";

	printf("The balloon of %s %s %" PRIu64 " MiB, the guest %" PRIu64 " of %" PRIu64 " MiB.\n", vm->name,
	       verb, size >> 20, (vm->mem - size) >> 20, vm->mem >> 20);
}

/* A guest gives what it can spare: it is waited for as long as it gives. */
static int balloon_wait(const struct microvm *vm, uint64_t wanted)
{
	int64_t until = milliseconds_now() + STANDS_STILL;
	uint64_t size, before = UINT64_MAX;
	int r;

	while ((r = balloon_ask(vm, &size)) == EXIT_DONE && size != wanted && milliseconds_now() < until) {
		if (size != before)
			until = milliseconds_now() + STANDS_STILL;
		before = size;
		(void)usleep(LOOK_EVERY * 1000);
	}
	if (r != EXIT_DONE)
		return r;
	show(vm, size);
	if (size == wanted)
		return EXIT_DONE;
	log_line(LEVEL_ERROR, "the guest has gone no further; perhaps it has no driver for balloons, or no "
			      "memory to spare");
	return EXIT_REFUSED;
}

static int read_size(const struct microvm *vm, const char *text, uint64_t *ret)
{
	const struct key *key = key_find(vm->section.kind, "initialBalloonMem");
	OWNED(drop_problems) struct problems problems = { 0 };
	struct spot spot = { .problems = &problems, .place.file = "SIZE", .name = vm->name };
	uint64_t size = 0;

	if (key->type->parse(&spot, text, &size) < 0) {
		log_line(LEVEL_ERROR, "%s", problems.errors.at[0]);
		return EXIT_CALLED_WRONGLY;
	}
	*ret = size;
	return EXIT_DONE;
}

static int check(const struct microvm *vm)
{
	if (!vm->balloon)
		log_line(LEVEL_ERROR, "%s has no balloon; write balloon=yes, and start it again", vm->name);
	else if (!hypervisors[vm->hypervisor]->balloon)
		log_line(LEVEL_ERROR, "%s cannot be asked about its balloon while the guest runs",
			 hypervisors[vm->hypervisor]->name);
	else if (!field_of(vm))
		log_line(LEVEL_ERROR, "%s cannot tell a balloon from memory that is not plugged in; do without "
				      "hotplugMem",
			 hypervisors[vm->hypervisor]->name);
	else
		return EXIT_DONE;
	return EXIT_REFUSED;
}

static int change(const struct microvm *vm, const char *argument)
{
	uint64_t size;
	int r = read_size(vm, argument, &size);

	if (r == EXIT_DONE && (size % (1 << 20) != 0 || size >= vm->mem)) {
		log_line(LEVEL_ERROR, "'%s' is not a number of MiB below the %" PRIu64 " MiB that the guest has",
			 argument, vm->mem >> 20);
		return EXIT_CALLED_WRONGLY;
	}
	if (r == EXIT_DONE)
		r = balloon_set(vm, size);
	return r == EXIT_DONE ? balloon_wait(vm, size) : r;
}

/* Its program is told a size in MiB, and tells none. */
static int change_by_package(const struct microvm *vm, const char *argument)
{
	OWNED(drop_str) char *mib = NULL;
	uint64_t size;
	int r;

	if (!argument) {
		log_line(LEVEL_ERROR, "a runner package does not tell the size of its balloon; it can be set");
		return EXIT_CALLED_WRONGLY;
	}
	r = read_size(vm, argument, &size);
	if (r != EXIT_DONE)
		return r;
	mib = text_format("%" PRIu64, size >> 20);
	return package_program(vm->name, PACKAGE_BALLOON, mib);
}

int verb_balloon(const struct call *call)
{
	const char *argument = call->count > 1 ? call->arguments[1] : NULL;
	OWNED(drop_microvm) struct microvm vm = { 0 };
	OWNED(drop_str) char *name = NULL;
	uint64_t size;
	int r = instance_name(call->arguments[0], &name);

	if (r == EXIT_DONE)
		r = instance_running(name, &vm);
	if (r == EXIT_DONE && vm.runner)
		return change_by_package(&vm, argument);
	if (r == EXIT_DONE)
		r = check(&vm);
	if (r == EXIT_DONE && argument)
		return change(&vm, argument);
	if (r == EXIT_DONE)
		r = balloon_ask(&vm, &size);
	if (r == EXIT_DONE)
		show(&vm, size);
	return r;
}
