/* SPDX-License-Identifier: MIT */
/* made.h: a file in the state folder that is made of other things, and anew only when those have changed.
 * The new one is a draft under another name until it is whole, and then takes the place of the old one,
 * which whoever has it open keeps. NAME.digest beside it says what it was made of.
 *
 * All return 0 or -errno. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct made {
	int folder;	  /* the state folder */
	const char *name; /* of the file */
	uid_t uid;	  /* the MicroVM's user, whose it is, and nobody else's to read */
	gid_t gid;
};

/* Whether the file is there, untouched since it was made of just that. */
bool made_is_fresh(const struct made *m, uint64_t digest);

/* Begins a draft; *ret is open for reading and writing. */
int made_draft(const struct made *m, int *ret);
/* Ends it: the draft becomes the file. */
int made_publish(const struct made *m, int draft, uint64_t digest);
/* Or is thrown away. */
void made_forget(const struct made *m);

/* Removes the file, which is not needed any more. */
int made_remove(const struct made *m);
