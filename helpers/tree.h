/* SPDX-License-Identifier: MIT */
/* tree.h: the folder tree that a guest's root is made of. Its links are the guest's: none is followed
 * here, where it would lead to what is the host's. */
#pragma once

#include "../common/words.h"

#include <stdint.h>
#include <sys/stat.h>

/* What tells a file from another, and from itself before a change. */
uint64_t file_digest(uint64_t digest, const struct stat *st);

/* What all names below a folder tell. */
struct tree {
	uint64_t digest;
	uint64_t bytes; /* that who reads the whole of it reads */
	size_t names;
};

/* Looks at the names, not at contents: whoever changes a file changes its ctime. Of the folders in LEFT_OUT (paths
 * relative to it) only name, owner and mode count. LOOKED (may be NULL) hears of each name how many they are by now.
 * Returns 0 or -errno. */
int tree_look(int folder, const struct words *left_out, void (*looked)(size_t names), struct tree *ret);

/* Opens a relative path below the folder; -ELOOP where a link is on the way, else -errno. */
int tree_open(int folder, const char *path, int flags);
