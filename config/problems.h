/* SPDX-License-Identifier: MIT */
/* problems.h: what is wrong with a configuration, collected so that one run tells it all. */
#pragma once

#include "model.h"

struct problems {
	struct words errors;   /* FILE:LINE: [SECTION] KEY: what is wrong, what would be right */
	struct words warnings;
};

/* A value's place and name, for the functions that judge it. */
struct spot {
	struct problems *problems;
	struct place place;
	const struct section *section; /* NULL outside of any */
	const struct key *key;         /* NULL where the section itself is meant */
	const char *name;              /* of the MicroVM */
};

/* Notes an error and returns -EINVAL. */
int problem(const struct spot *spot, const char *format, ...) __attribute__((format(printf, 2, 3)));
void warning(const struct spot *spot, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for a key, or with NULL for the section itself, of a MicroVM that is parsed: the place is
 * where the key was set, else the section's. KEY must be a key of the section. */
int problem_in(struct problems *p, const struct section *s, const char *key, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void warning_in(struct problems *p, const struct section *s, const char *key, const char *format,
		...) __attribute__((format(printf, 4, 5)));

void drop_problems(struct problems *p);
