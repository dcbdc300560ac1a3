/* SPDX-License-Identifier: MIT */
#include "keys.h"

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
	printf("\t%s\t%s%s\n", key->fallback ? key->fallback : key->rules & REQUIRED ? "required" : "",
	       key->manual, key->rules & LATER ? " Not supported yet by this version." : "");
}

int command_keys(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return log_usage("microvm keys");
	for (size_t i = 0; i < section_kind_count; i++)
		for (size_t j = 0; j < section_kinds[i].count; j++)
			if (!(section_kinds[i].keys[j].rules & DEPRECATED))
				key_print(&section_kinds[i], &section_kinds[i].keys[j]);
	return EXIT_DONE;
}
