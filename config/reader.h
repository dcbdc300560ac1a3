/* SPDX-License-Identifier: MIT */
/* reader.h: an ini file as a row of entries. libinih says what a line is; sections and values are
 * taken from the line itself, because libinih cuts both in silence, at 49 and 199 bytes. */
#pragma once

#include "problems.h"

struct entry {
	struct place place;
	const char *section; /* "volume", never NULL */
	const char *id;      /* NULL: none was written */
	const char *key;     /* NULL: the section's own line */
	const char *value;
};

typedef void entry_handler(void *context, const struct entry *entry);

/* Calls the handler for each section line and each key of the file in order. The entry's strings live
 * until the handler returns; the file's name is referenced by the places. What is no entry becomes a
 * problem. Returns 0, or -errno when the file cannot be read: -EFBIG for one that is too large, -EINVAL
 * for what is no file. */
int read_entries(const char *path, const char *shown_as, struct problems *problems,
		 entry_handler *handler, void *context);
