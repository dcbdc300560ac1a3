/* SPDX-License-Identifier: MIT */
/* share-folder.h: the folders of the host that a MicroVM shares. */
#pragma once

#include "../config/model.h"

#include <sys/types.h>

/* Makes the folder where it does not exist, as the user's. One that exists stays as it is: it is
 * somebody's. Reports by itself; returns an enum exit_code. */
int share_folder_make(const struct microvm *vm, const struct share *share, uid_t uid, gid_t gid);
