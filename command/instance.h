/* SPDX-License-Identifier: MIT */
/* instance.h: one MicroVM by its name: what others call it, and what its start noted. */
#pragma once

#include "../config/model.h"

/* The name of the MicroVM that somebody means by "web", "microvm@web" or "microvm@web.service";
 * free() by the caller. Logs and returns an exit_code. */
int instance_name(const char *argument, char **ret);

/* microvm@NAME.service; free() by the caller. */
char *instance_unit(const char *name);

/* The MicroVM as its last start made it, whatever its file says by now: what microvm-run was given.
 * RET is one from microvm_init() then, to be dropped in any case. Returns 0, -ENOENT where it does
 * not run, or -EACCES for who may not look. */
int instance_state(const char *name, struct microvm *ret);

/* The same for a verb that needs one that runs: logs and returns an exit_code. */
int instance_running(const char *name, struct microvm *ret);
