/* SPDX-License-Identifier: MIT */
/* guest-mounts.h: mountPoint= as the guest's systemd (254 and later) takes it from the kernel's
 * command line, so that nothing in the guest has to be changed. */
#pragma once

#include "../common/text.h"
#include "../config/model.h"

/* Adds a blank and a systemd.mount-extra= (systemd-fstab-generator(8)) for each mountPoint. */
void guest_mounts_add(struct text *line, const struct microvm *vm);
