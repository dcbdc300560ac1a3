/* SPDX-License-Identifier: MIT */
/* state.h: what a start leaves in the MicroVM's runtime folder for those that come later, when the
 * configuration may be another or gone. */
#pragma once

#include "../config/problems.h"

/* /run/microvm/NAME, or where systemd made the unit's runtime folder; free() by the caller. */
char *runtime_dir(const char *name);

/* Writes the state whole or not at all: all words that microvm-run has (arguments.h), one a line. Returns
 * 0 or -errno. */
int state_write(const char *dir, const struct microvm *vm);

/* Keeps, or reads back, the digest of the drop-ins that the start was made with (dropins.h): what
 * $MICROVM_MADE has. Returns 0 or -errno; -EINVAL where the file holds none, which its owner can do. */
int state_write_digest(const char *dir, const char *digest);
int state_read_digest(const char *dir, uint64_t *ret);

/* Reads it into a MicroVM from microvm_init(), whose places are of no use afterwards. Returns 0,
 * -errno, or -EINVAL with the problems noted. */
int state_read(const char *dir, struct microvm *vm, struct problems *problems);
