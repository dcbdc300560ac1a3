/* SPDX-License-Identifier: MIT */
#include "log.h"

#include "owned.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int kernel_log = -1;
static const char *kernel_program;
static const char *people_program;

void log_to_people(const char *program)
{
	people_program = program;
}

bool log_to_kernel(const char *program)
{
	kernel_program = program;
	kernel_log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	return kernel_log >= 0;
}

/* One write() a line: lines of several processes never mix, and /dev/kmsg takes one record a write. */
static void log_text(enum log_level level, const char *text)
{
	if (kernel_log >= 0)
		/* It takes records of a little less than 1 KiB, and drops what is longer. */
		(void)dprintf(kernel_log, "<%d>%s: %.900s\n", level, kernel_program, text);
	else if (people_program)
		(void)dprintf(STDERR_FILENO, "%s: %s\n", people_program, text);
	else if (isatty(STDERR_FILENO))
		(void)dprintf(STDERR_FILENO, "%s\n", text);
	else
		(void)dprintf(STDERR_FILENO, "<%d>%s\n", level, text);
}

void log_line(enum log_level level, const char *format, ...)
{
	OWNED(drop_str) char *text = NULL;
	va_list args;

	va_start(args, format);
	text = text_format_args(format, args);
	va_end(args);
	log_text(level, text);
}

int log_failure(int error, const char *format, ...)
{
	OWNED(drop_str) char *text = NULL;
	va_list args;

	va_start(args, format);
	text = text_format_args(format, args);
	va_end(args);
	log_line(LEVEL_ERROR, "%s: %s", text, strerror(-error));
	return EXIT_REFUSED;
}

int log_refusal(const char *format, ...)
{
	OWNED(drop_str) char *text = NULL;
	va_list args;

	va_start(args, format);
	text = text_format_args(format, args);
	va_end(args);
	log_text(LEVEL_ERROR, text);
	return EXIT_REFUSED;
}

int log_usage(const char *usage)
{
	log_line(LEVEL_ERROR, "usage: %s", usage);
	return EXIT_CALLED_WRONGLY;
}

void *must_(void *p)
{
	if (!p) {
		log_text(LEVEL_ERROR, "out of memory");
		_exit(EXIT_REFUSED);
	}
	return p;
}
