/* SPDX-License-Identifier: MIT */
/* guest-stop.h: the way to a guest whose hypervisor has no power button. Its systemd (256 or later) gets two units as
 * credentials, systemd.extra-unit.* (systemd.system-credentials(7)): a socket on vsock, and what shuts the guest down when
 * root of the host connects to it. The port is root's alone, as both sides see (VMADDR's ports below 1024). */
#pragma once

#include "../config/problems.h"
#include "../common/text.h"

enum { GUEST_STOP_PORT = 28023 };

/* Whether the guest is to be asked so. */
bool guest_stop_wanted(const struct microvm *vm);

/* Warns of a MicroVM whose stop can only be a power cut. */
void guest_stop_check(const struct microvm *vm, struct problems *problems);

/* Adds words to the kernel's command line where it is. */
void guest_stop_add(struct text *line, const struct microvm *vm);
