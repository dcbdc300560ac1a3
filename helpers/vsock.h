/* SPDX-License-Identifier: MIT */
/* vsock.h: the guest's address among all guests of the host (vsock(7)). */
#pragma once

#include "../config/model.h"

/* Makes a number of cid=auto, and sees that no other guest has the number. RET becomes an open
 * /dev/vhost-vsock to which it belongs, until that is closed; it stays as it was where the hypervisor
 * carries the vsock itself. PRETEND asks nobody. Logs what is wrong and returns an exit code. */
int vsock_claim(struct microvm *vm, bool pretend, int *ret);

/* Whether the address that the start noted can be believed, which the MicroVM's user could have changed since: it is made
 * of the name, or else no other MicroVM that runs has it. */
bool vsock_is_its_own(const struct microvm *vm);
