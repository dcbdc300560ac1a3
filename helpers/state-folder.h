/* SPDX-License-Identifier: MIT */
/* state-folder.h: the folder in which a MicroVM keeps what is its own. */
#pragma once

#include <sys/types.h>

/* Makes the folder where it does not exist, for that user alone. Where it exists, it and what is in it
 * follow the user: a dynamic user's UID may be another one after each boot. Files of anybody else keep
 * their owner. Reports by itself; returns an enum exit_code. */
int state_folder_make(const char *path, uid_t uid, gid_t gid);

/* The same for one that is root's and stays so: the user may make, change and remove in it what is its own. */
int state_folder_make_for_group(const char *path, uid_t uid, gid_t gid);
