/* SPDX-License-Identifier: MIT */
/* log.h: messages for people. A line begins with <N>, which the journal and the kernel log both read
 * as its level (sd-daemon(3)). */
#pragma once

#include <stdbool.h>

enum exit_code {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,        /* the system or the situation said no */
	EXIT_CALLED_WRONGLY = 2, /* EXIT_INVALIDARGUMENT of systemd.exec(5) */
	EXIT_NOT_CONFIGURED = 6, /* EXIT_NOTCONFIGURED of systemd.exec(5); never restarted */
};

enum log_level {
	LEVEL_ERROR = 3,
	LEVEL_WARNING = 4,
	LEVEL_NOTICE = 5,
	LEVEL_INFO = 6,
};

/* Where lines go: stderr unless log_to_kernel() opened /dev/kmsg, which is what a generator has
 * (systemd.generator(7)). Returns false where /dev/kmsg cannot be had, and stderr stays. */
bool log_to_kernel(const char *program);

/* Lines go to stderr as "PROGRAM: ...", for a command that people call. */
void log_to_people(const char *program);

/* On a terminal the <N> is left out. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Logs "FORMAT: strerror(-error)" and returns EXIT_REFUSED, for the last line of a main(). */
int log_failure(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Logs an error and returns EXIT_REFUSED. */
int log_refusal(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints how a program is to be called; returns EXIT_CALLED_WRONGLY. */
int log_usage(const char *usage);

void *must_(void *p);
/* The pointer, which is not NULL: memory that runs out ends the program. */
#define must(p) ((__typeof__(p))must_((void *)(p)))
