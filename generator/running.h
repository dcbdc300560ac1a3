/* SPDX-License-Identifier: MIT */
/* running.h: MicroVMs that run while the generator does, as /run/microvm shows them. */
#pragma once

#include "dropins.h"
#include "../common/words.h"

/* Their names. Returns 0 or -errno. */
int running_names(const char *root, struct words *ret);

/* Shares that a virtiofsd serves, as "NAME:TAG"; the folders are systemd's own. Returns 0 or -errno. */
int running_shares(const char *root, struct words *ret);

/* The folder's owner was set by systemd and can be trusted. Its content was written by the MicroVM's
 * user: of it only a number of seconds is taken, no more than a day, and which hypervisor it is. */
int running_read(const char *root, const char *name, struct running *ret);
