/* SPDX-License-Identifier: MIT */
/* owner.h: a folder follows its MicroVM's user, whose UID can be another one after each boot. */
#pragma once

#include <sys/stat.h>

/* Gives a folder, and all in it that is its owner's, to another user; and to another group what is of the folder's group,
 * where that is a dynamic user's. The folder itself comes last: as long as it has its old owner, the next start begins
 * anew. Returns 0 or -errno. */
int owner_move(int folder, const struct stat *st, uid_t uid, gid_t gid);
