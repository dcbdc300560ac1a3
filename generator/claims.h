/* SPDX-License-Identifier: MIT */
/* claims.h: what a MicroVM has for itself alone on the host, so that two never share it. */
#pragma once

#include "../config/problems.h"

struct claims;

struct claims *claims_new(void);
/* dropper for OWNED() */
void drop_claims(struct claims **c);

/* Enters everything that the MicroVM claims, or notes a problem for each thing that another one claimed
 * before, and enters nothing. Returns 0 or -EINVAL. Of an image that exists the inode counts, or
 * the number of the block device, of another its path. ROOT stands in front of the host's paths. */
int claims_enter(struct claims *c, const char *root, const struct microvm *vm, struct problems *p);
