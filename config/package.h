/* SPDX-License-Identifier: MIT */
/* package.h: a runner package, a folder that knows how to start one MicroVM: a program bin/microvm-run and,
 * in lists of words below share/microvm, what the host has to prepare for it. Nix builds such, and anybody
 * can. */
#pragma once

#include "problems.h"

#define PACKAGE_RUN "bin/microvm-run"
#define PACKAGE_SHUTDOWN "bin/microvm-shutdown"
#define PACKAGE_BALLOON "bin/microvm-balloon"

/* Where the package of a MicroVM without a file is, or leads to; free() by the caller. */
char *package_current(const char *name);

/* Where the path leads to below ROOT ("" on a real host), all of the way being root's own. Returns 0, -ENOENT,
 * -ENOTDIR, -ELOOP where somebody else than root may change the way, or -errno; free() by the caller. */
int package_find(const char *root, const char *path, char **ret);

/* Has vm, whose runner is set, have what the package says: interfaces, devices and shares as if a file had
 * them. Returns 0, or -EINVAL with the problems noted. A package that is not there (yet) has nothing, and
 * leaves vm->runner_given unset. */
int package_load(const char *root, struct microvm *vm, struct problems *problems);
