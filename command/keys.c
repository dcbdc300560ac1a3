/* SPDX-License-Identifier: MIT */
#include "verb.h"

#include "../common/log.h"
#include "../config/keys.h"

#include <stdio.h>
#include <string.h>

static void type_print(const struct type *type)
{
	for (unsigned i = 0; i < type->count; i++)
		printf("%s%s", i ? ", " : "", type->names[i]);
	if (type->count == 0)
		printf("%s", type->manual);
}

/* Section, key, type, default, what it is for: one line a key, separated by tabs. */
static void key_print(const struct section_kind *kind, const struct key *key)
{
	printf("[%s%s]\t%s\t", kind->name, kind->longest ? " ID" : "", key->name);
	type_print(key->type);
	printf("\t%s\t%s\n", key->fallback ? key->fallback : key->rules & REQUIRED ? "required" : "",
	       key->manual);
}

int verb_keys(const struct call *call)
{
	(void)call;
	for (size_t i = 0; i < section_kind_count; i++)
		for (size_t j = 0; j < section_kinds[i].count; j++)
			if (!(section_kinds[i].keys[j].rules & DEPRECATED))
				key_print(&section_kinds[i], &section_kinds[i].keys[j]);
	return EXIT_DONE;
}
