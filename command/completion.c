/* SPDX-License-Identifier: MIT */
#include "completion.h"

#include "inventory.h"
#include "verb.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../hypervisors/hypervisor.h"

#include <errno.h>
#include <stdio.h>

static void verb_print(const struct verb *v)
{
	static const char *const arguments[ARGUMENTS] = {
		[ARGUMENT_NONE] = "none", [ARGUMENT_NAME] = "name", [ARGUMENT_NAMES] = "names",
		[ARGUMENT_NEW] = "new",	  [ARGUMENT_FILE] = "file", [ARGUMENT_COMMAND] = "command",
		[ARGUMENT_HOST] = "host",
	};

	printf("verb\t%s\t%s\t%s\n", v->name, arguments[v->argument], v->help);
	for (size_t i = 0; i < v->option_count; i++) {
		const struct verb_option *o = &v->options[i];

		printf("option\t%s\t%s\t%.1s\t%s\t%s\n", v->name, o->name, &o->letter,
		       o->value ? o->value : "", o->help);
	}
}

int verbs_print(void)
{
	for (size_t i = 0; i < verb_count; i++)
		if (verbs[i].group != UNLISTED)
			verb_print(&verbs[i]);
	printf("values\tHYPERVISOR\t");
	for (size_t i = 0; i < HYPERVISORS; i++)
		printf("%s%s", i ? " " : "", hypervisors[i]->name);
	return puts("") < 0 || fflush(stdout) != 0 ? log_failure(-errno, "standard output")
						   : EXIT_DONE;
}

int names_print(void)
{
	OWNED(drop_words) struct words names = { 0 };

	inventory_names(&names);
	for (size_t i = 0; i < names.count; i++)
		puts(names.at[i]);
	return EXIT_DONE;
}
