/* SPDX-License-Identifier: MIT */
/* tree.h: a folder with all that is in it, walked without following a link or going to another
 * mount (openat2(2)), whatever its owner puts there meanwhile. */
#pragma once

#include <stdint.h>

struct tree {
	int parent; /* descriptor of the folder that it is in */
	const char *name;
};

struct tree_size {
	uint64_t files, bytes; /* bytes: what disks have of it */
};

/* Counts it and sees that nothing is in the way. Returns 0, -EXDEV where something is mounted,
 * -ELOOP for a link in its place, -EBUSY for a file that somebody has locked, or another -errno;
 * RET_WHERE, for a failure, is where (free() by the caller). */
int tree_measure(const struct tree *tree, struct tree_size *ret, char **ret_where);

/* Deletes it all, the folder itself last. Likewise; what was deleted by then is gone. */
int tree_delete(const struct tree *tree, char **ret_where);
