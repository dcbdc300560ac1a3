/* SPDX-License-Identifier: MIT */
/* merged.h: what all files of a MicroVM come to, as text: each value that counts, and where it
 * stands. */
#pragma once

#include "../config/load.h"

struct text;

struct merged {
	struct entries kept;   /* in the order in which they were written */
	struct words sections; /* as "[volume data]", in the order of their first line */
};

/* What switches on how a heading and a place are shown, and off again; "" each for a file. */
struct merged_style {
	const char *heading, *place, *off;
};

/* With the host-wide file or, where that is not WANTED, as if there were none. */
void merged_read(const struct sources *sources, const struct source *source, bool wanted,
		 struct merged *ret);
void drop_merged(struct merged *m);

/* The entry counts instead of what was written for its key, a list's former elements too. */
void merged_set(struct merged *m, const struct entry *e);

/* As a file has it, "[volume data]"; free() by the caller. */
char *merged_heading(const char *section, const char *id);

/* A line each that says where, above the one that says what: together they are a file that means
 * the same. */
void merged_text(const struct merged *m, const struct merged_style *style, struct text *ret);
