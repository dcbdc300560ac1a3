/* SPDX-License-Identifier: MIT */
/* load.h: entries of files into a MicroVM. */
#pragma once

#include "reader.h"
#include "sources.h"

struct kept_entry {
	struct place place;
	char *section, *id, *key, *value; /* as in struct entry */
};

/* Keeps one more. */
void entries_add(struct entries *e, const struct entry *entry);
/* Drops all behind the first N. */
void entries_cut(struct entries *e, size_t n);

/* All that is written for one MicroVM, in the order in which it is read: what comes later counts. Problems
 * of reading are noted. Returns 0, or -errno when its own file cannot be read. */
int source_entries(const struct sources *all, const struct source *source, struct problems *problems,
		   entry_handler *handler, void *context);

/* Keeps the entries of a file for later; a file that cannot be read is a problem. */
void entries_read(const char *path, const char *shown, struct problems *problems,
		  struct entries *ret);
void drop_entries(struct entries *e);
