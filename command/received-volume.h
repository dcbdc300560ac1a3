/* SPDX-License-Identifier: MIT */
/* received-volume.h: writable images that come from another host. They are the guest's: one that is
 * here is never replaced. */
#pragma once

#include "../config/model.h"

/* Those that are not here: which volumes, and where their images belong. */
void volumes_missing(const struct microvm *vm, struct words *ret_ids, struct words *ret_paths);

/* Puts the file FROM, below FOLDER, to its place, with the folders up to there; nothing where there
 * is no such file, or the place is taken. Logs and returns an exit_code. */
int volume_install(int folder, const char *from, const char *name, const char *path);
