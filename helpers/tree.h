/* SPDX-License-Identifier: MIT */
/* tree.h: the folder tree that a guest's root is made of. Its links are the guest's: none is followed
 * here, where it would lead to what is the host's. */
#pragma once

#include "../common/words.h"

#include <stdint.h>
#include <sys/stat.h>

/* What tells a file from another, and from itself before a change. */
uint64_t file_digest(uint64_t digest, const struct stat *st);

/* Looks at all names below the folder, not at contents: whoever changes a file changes its ctime.
 * Of the folders in LEFT_OUT (paths relative to it) only name, owner and mode count. Returns 0 or -errno. */
int tree_digest(int folder, const struct words *left_out, uint64_t *ret);

/* Opens a relative path below the folder; -ELOOP where a link is on the way, else -errno. */
int tree_open(int folder, const char *path, int flags);
