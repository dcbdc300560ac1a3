/* SPDX-License-Identifier: MIT */
/* run-program.h: another program, run to its end. */
#pragma once

#include "../common/words.h"

#include <sys/types.h>

/* How the program names the descriptor that it was given. The kernel resolves this to the open file
 * itself, so nobody who may write to the file's folder can put another file in its place. */
#define GIVEN_FILE "/proc/self/fd/3"

/* Runs argv, found in $PATH. Its standard input holds INPUT (NULL: nothing), its standard output is
 * dropped, its descriptor 3 is GIVEN (-1: none). Returns its exit status, 128 + the signal that ended
 * it, or -errno: -ENOENT where it is not installed. */
int program_run(const struct words *argv, const char *input, int given);

/* The same, with somebody who looks at it now and then: some times a second, and not at what ends in a moment. */
struct program_watch {
	void (*look)(pid_t pid, void *arg);
	void *arg;
};

int program_run_watched(const struct words *argv, const char *input, int given,
			const struct program_watch *watch);

/* What that says of a program that did not do its work, and which of Debian's packages has it; NULL where it
 * did. free() by the caller. */
char *program_failure(int r, const char *program, const char *package);
