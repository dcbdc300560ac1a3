/* SPDX-License-Identifier: MIT */
/* microvm: the command for people. It reads and asks; systemd does. */
#include "completion.h"
#include "verb.h"

#include "../common/log.h"
#include "paths.h"

#include <stdio.h>
#include <string.h>

static int help(void)
{
	static const char *const groups[VERB_GROUPS] = {
		"Looking", "Running", "Configuration", "What systemctl does, by its own names",
	};

	puts("microvm COMMAND [...]\n"
	     "\n"
	     "MicroVMs are configured by files in /etc/microvm (microvm.conf(5)) and run by systemd, as\n"
	     "microvm@NAME. NAME can be written as a unit, too.");
	for (size_t group = 0; group < VERB_GROUPS; group++) {
		printf("\n%s:\n", groups[group]);
		for (size_t i = 0; i < verb_count; i++)
			if (verbs[i].group == group)
				printf("  %-10s  %s\n", verbs[i].name, verbs[i].help);
	}
	puts("\n  -h, --help  print this; after a command, its options\n  --version   print the version");
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	const struct verb *verb = verb_find(name);

	log_to_people("microvm");
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return help();
	if (strcmp(name, "--version") == 0)
		return puts("microvm-host " VERSION) < 0 ? EXIT_REFUSED : EXIT_DONE;
	if (strcmp(name, "--verbs") == 0)
		return verbs_print();
	if (strcmp(name, "--names") == 0)
		return names_print();
	if (verb)
		return verb_call(verb, argc - 1, argv + 1);
	return log_usage("microvm COMMAND [...]; microvm --help lists the commands");
}
