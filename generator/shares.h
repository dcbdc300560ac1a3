/* SPDX-License-Identifier: MIT */
/* shares.h: folders of the host in the guest: a virtiofsd and its socket for each virtiofs share,
 * and what the hypervisor itself is to see. */
#pragma once

#include "sink.h"
#include "../common/text.h"
#include "../config/model.h"

/* The drop-ins of all microvm-virtiofsd@NAME:TAG units. Returns 0 or -errno. */
int shares_write(const struct sink *sink, const struct microvm *vm);

/* What binds a virtiofsd to its MicroVM, for one that runs and is in no file any more. Returns 0 or -errno. */
int share_write_running(const struct sink *sink, const char *share);

/* Adds "NAME:TAG" for each of the MicroVM's that is in RUNNING, a sorted list. */
void shares_running(const struct microvm *vm, const struct words *running, struct words *ret);

/* Units that microvm@NAME.service requires, each already what systemd calls it. */
void share_units(const struct microvm *vm, struct words *ret);
/* Adds to [Service] of microvm@NAME.service. */
void share_service_lines(struct text *u, const struct microvm *vm);
