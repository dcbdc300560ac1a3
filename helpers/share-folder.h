/* SPDX-License-Identifier: MIT */
/* share-folder.h: the folders of the host that a MicroVM shares. */
#pragma once

#include "../config/model.h"

#include <sys/types.h>

/* Makes the folder where it does not exist, as the user's, and gives it to the user again when the UID is another one by
 * now. One that somebody else made stays as it is. Reports by itself; returns an enum exit_code. */
int share_folder_make(const struct microvm *vm, const struct share *share, uid_t uid, gid_t gid);
