/* SPDX-License-Identifier: MIT */
/* cargo.h: what a MicroVM takes along to another host: its configuration, in which the paths are
 * those over there, and the files and folders that it names. */
#pragma once

#include "configuration.h"
#include "merged.h"

#include <stdint.h>
#include <sys/types.h>

/* A value that is a path, which there is another. */
struct moved {
	const struct section *section;
	const struct key *key;
	char *path; /* here; no link is on the way */
};

struct cargo {
	const struct configured *of;
	const struct sources *sources;
	bool shares; /* read-only shares go along */
	struct moved *moved;
	size_t moved_count;
	struct words files, trees;	  /* here, as in struct moved */
	struct words volume_ids, volumes; /* writable images: which, and where they are here */
	struct merged conf;		  /* as it is here */
	mode_t mode;			  /* who may read all of that */
	char *version; /* tells one state of all of it, but the volumes, from another */
};

/* OF and SOURCES must outlive it. Logs and returns an exit_code. */
int cargo_gather(const struct configured *of, const struct sources *sources, bool shares,
		 struct cargo *ret);
void drop_cargo(struct cargo *c);

/* The configuration as it is there; to be asked once. */
void cargo_conf(struct cargo *c, struct text *ret);
