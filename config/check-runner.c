/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "keys.h"

#include <string.h>

static const char decides[] = "the package that runner names decides this; leave one of the two out";

static void check_keys(const struct section *s, const char *defaults, struct problems *p)
{
	for (size_t i = 0; i < s->kind->count; i++) {
		const struct key *key = &s->kind->keys[i];
		const char *file = key_place(key, s)->file;

		/* What is said for all MicroVMs is for those that it means something to. */
		if (file && file != defaults && !(key->rules & RUNNER))
			problem_in(p, s, key->name, decides);
	}
}

static void check_list(const struct sections *list, struct problems *p)
{
	for (size_t i = 0; i < list->count; i++)
		problem_in(p, list->at[i], NULL, decides);
}

void microvm_check_runner(const struct microvm *vm, const char *defaults, struct problems *problems)
{
	if (!*vm->runner)
		problem_in(problems, &vm->section, "runner", "a value is missing");
	for (size_t i = 0; i < section_kind_count; i++) {
		const void *member = (const char *)vm + section_kinds[i].offset;

		if (section_kinds[i].longest == 0)
			check_keys(member, defaults, problems);
		else
			check_list(member, problems);
	}
}
