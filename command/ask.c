/* SPDX-License-Identifier: MIT */
#include "ask.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool can_ask(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

char ask(const char *question, const char *choices)
{
	char line[64];

	for (;;) {
		(void)fprintf(stderr, "%s ", question);
		if (!fgets(line, sizeof(line), stdin) || *line == '\n')
			return *choices;
		if (strchr(choices, tolower((unsigned char)*line)))
			return (char)tolower((unsigned char)*line);
	}
}
