/* SPDX-License-Identifier: MIT */
/* scratch.h: for tests of what root does with files: results, and a file system in memory that
 * nobody else sees and that is gone with the test. */
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRATCH "/mnt"

static int failed, count;

static inline void ok(bool good, const char *name)
{
	printf("%s %d - %s\n", good ? "ok" : "not ok", ++count, name);
	failed += !good;
}

static inline int finish(void)
{
	printf("1..%d\n", count);
	return failed > 0;
}

/* Becomes the only one who sees an empty SCRATCH, and stands in it. */
static inline void enter_scratch(void)
{
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("tmpfs", SCRATCH, "tmpfs", 0, "mode=755") == 0 && chdir(SCRATCH) == 0)
		return;
	printf("1..0 # SKIP a mount namespace of its own is not to be had\n");
	exit(0);
}

/* Sets the stage with shell commands; a stage that does not stand ends the test. */
__attribute__((format(printf, 1, 2))) static inline void sh(const char *format, ...)
{
	char line[4096];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (system(line) == 0)
		return;
	printf("Bail out! %s\n", line);
	exit(1);
}

/* Whether a shell command succeeds. */
__attribute__((format(printf, 1, 2))) static inline bool holds(const char *format, ...)
{
	char line[4096];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	return system(line) == 0;
}
