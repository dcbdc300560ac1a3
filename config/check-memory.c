/* SPDX-License-Identifier: MIT */
#include "check.h"

/* What of a key means nothing without another one. */
static void check_without(const struct microvm *vm, const char *key, const char *other,
			  struct problems *p)
{
	if (section_sets(&vm->section, key))
		problem_in(p, &vm->section, key, "means nothing without %s", other);
}

static void check_hotplug(const struct microvm *vm, struct problems *p)
{
	if (vm->hotplug_mem == 0)
		check_without(vm, "hotpluggedMem", "hotplugMem", p);
	else if (vm->hotplugged_mem > vm->hotplug_mem)
		problem_in(p, &vm->section, "hotpluggedMem", "is more than hotplugMem");
}

static void check_balloon(const struct microvm *vm, struct problems *p)
{
	if (!vm->balloon) {
		check_without(vm, "initialBalloonMem", "balloon=yes", p);
		check_without(vm, "deflateOnOOM", "balloon=yes", p);
	} else if (vm->initial_balloon_mem >= vm->mem) {
		problem_in(p, &vm->section, "initialBalloonMem",
			   "leaves the guest nothing of its mem");
	}
}

void microvm_check_memory(const struct microvm *vm, struct problems *problems)
{
	check_hotplug(vm, problems);
	check_balloon(vm, problems);
}
