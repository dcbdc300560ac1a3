/* SPDX-License-Identifier: MIT */
/* package-folder.h: the state folder of a MicroVM that a runner package runs. Links in it say which package:
 * "current" the next start's, "old" the one before, "booted" the one that runs. So the folder and its links
 * are root's, and the MicroVM's user may only add to it what is its own. */
#pragma once

#include <sys/types.h>

/* Makes the folder fit, with all in it that was an earlier dynamic user's, and notes which package runs.
 * Reports by itself; returns an enum exit_code. */
int package_folder_make(const char *path, const char *package, uid_t uid, gid_t gid);

/* Takes the note back; of a MicroVM without a package nothing. */
void package_folder_release(const char *path);
