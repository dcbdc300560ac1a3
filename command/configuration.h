/* SPDX-License-Identifier: MIT */
/* configuration.h: what all files say now, judged as microvm-generator judges them. */
#pragma once

#include "../config/sources.h"

struct configured {
	const struct source *source;
	struct microvm vm; /* as far as it could be read, where there are errors */
	struct problems problems;
	uint64_t digest; /* what a start would keep (state.h); 0 with errors */
};

struct configuration {
	struct sources sources;
	struct configured *at; /* sorted by name */
	size_t count;
};

/* Reads the look-up folders. Files that are refused are no failure of this. Logs and returns an
 * exit_code. */
int configuration_read(struct configuration *ret);
/* The same as if the file PATH stood in the place of TARGET, a file or drop-in of NAME. */
int configuration_read_with(const char *name, const char *target, const char *path,
			    struct configuration *ret);
void drop_configuration(struct configuration *c);

/* NULL where there is none of that name. */
struct configured *configuration_find(const struct configuration *c, const char *name);

/* For a verb about one MicroVM, as somebody named it: reads all and finds that one. NAME is free()d
 * by the caller. Logs and returns an exit_code. */
int configuration_of(const char *argument, char **name, struct configuration *ret,
		     struct configured **one);
/* Whether its file is refused, which is then said. */
bool configured_refused(const struct configured *one);
