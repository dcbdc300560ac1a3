/* SPDX-License-Identifier: MIT */
/* draft.h: a file of a MicroVM's configuration before it is one: written beside its place, judged
 * as if it were there, and put there at once or not at all. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

struct text;

struct draft {
	char *name;	 /* of the MicroVM */
	char *target;	 /* the path that it is for, no link */
	char *folder;	 /* a temporary one, in the target's */
	char *path;	 /* of the draft, in that */
	bool fresh;	 /* there is no target yet */
	mode_t mode;	 /* that it gets when it is saved */
	struct stat was; /* the target, when the draft was begun */
};

/* Adds all that a file has. Returns 0 or -errno. */
int file_text(const char *path, struct text *ret);

/* Makes the folders up to the target, and a draft with what the target has, or else TEMPLATE. Logs
 * and returns an exit_code. */
int draft_begin(const char *name, const char *target, const char *template, struct draft *ret);
/* The same with TEXT, whatever the target has. */
int draft_begin_with(const char *name, const char *target, const char *text, struct draft *ret);
/* Removes what was not saved. */
void drop_draft(struct draft *d);

/* Prints what would be wrong, also with other MicroVMs, if the draft were in its place, and returns
 * whether nothing is. Lines name the target. */
bool draft_fits(const struct draft *d);
/* Whether it says something else than the target. */
bool draft_differs(const struct draft *d);
/* Puts it in its place, with its mode and the owner of what it replaces; refuses when somebody else
 * has changed that meanwhile. Logs and returns an exit_code. */
int draft_save(struct draft *d);
