/* SPDX-License-Identifier: MIT */
/* guest-port.h: a connection to a port of a guest, over vsock. */
#pragma once

#include "../config/model.h"

/* VM as its start noted it (state.h), DIR its runtime folder, PATIENCE in milliseconds. Returns a blocking
 * descriptor that exec closes, of which nothing was read that is for the caller; or
 * -EOPNOTSUPP    the MicroVM has no vsock
 * -ECONNREFUSED  nobody listens in the guest, or the hypervisor is gone
 * -ETIMEDOUT     no answer
 * -EPROTO        another answer than the hypervisor should give
 * or another -errno. */
int guest_port_connect(const struct microvm *vm, const char *dir, unsigned port, unsigned patience);

/* The same from a port that only root can have, for a guest that is to know who asks; of a vsock of the kernel's
 * alone. */
int guest_port_connect_as_root(const struct microvm *vm, unsigned port, unsigned patience);
