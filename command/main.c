/* SPDX-License-Identifier: MIT */
/* microvm: the command for people. It reads and asks; systemd does. */
#include "check.h"
#include "keys.h"
#include "../common/log.h"
#include "paths.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "check", command_check, "judge configuration files before systemd reads them" },
	{ "keys", command_keys, "list all sections and keys of the configuration" },
};

static int help(void)
{
	puts("microvm COMMAND [...]\n"
	     "\n"
	     "MicroVMs are configured by files in /etc/microvm (microvm.conf(5)) and run by systemd:\n"
	     "systemctl start, stop, restart, enable, disable and status take microvm@NAME.\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		printf("  %-10s  %s\n", commands[i].name, commands[i].help);
	puts("\n  -h, --help  print this\n  --version   print the version");
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return help();
	if (strcmp(name, "--version") == 0)
		return puts("microvm-host " VERSION) < 0 ? EXIT_REFUSED : EXIT_DONE;
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return log_usage("microvm COMMAND [...]; microvm --help lists the commands");
}
