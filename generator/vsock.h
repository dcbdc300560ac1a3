/* SPDX-License-Identifier: MIT */
/* vsock.h: what a MicroVM's unit needs for its vsock. */
#pragma once

#include "../common/text.h"
#include "../config/model.h"

/* Adds the unit that loads the kernel's part of it. */
void vsock_units(const struct microvm *vm, struct words *wants);

void vsock_service_lines(struct text *u, const struct microvm *vm);

/* The stop of a MicroVM whose guest root has to ask; CID is NULL where that is not known (any more). */
void vsock_stop_lines(struct text *u, const char *name, const char *cid);
