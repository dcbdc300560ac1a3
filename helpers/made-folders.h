/* SPDX-License-Identifier: MIT */
/* made-folders.h: notes of which folders were made for a MicroVM outside of its state folder, and for which user. Such a
 * folder follows the user; one that somebody else made never does. The notes are root's, because a mark on the folder could
 * be set by whoever may write in it; they tell a folder by its number, birth and path, and outlive boots. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Whether the folder was made for the MicroVM and still belongs to whom it was given. */
bool made_folders_have(const char *microvm, const char *path, int folder, uid_t owner);

/* Notes a folder that goes over from one owner to another; the same one twice: that has it. Returns 0 or -errno. */
int made_folders_note(const char *microvm, const char *path, int folder, uid_t from, uid_t to);
