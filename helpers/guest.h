/* SPDX-License-Identifier: MIT */
/* guest.h: a guest that is waited for. Its systemd tells over vsock what it has reached, a connection for
 * each message (sd_notify(3)), and at last READY=1. Whoever else connects is not heard. */
#pragma once

#include "../config/model.h"

/* Waits until the guest is up. Returns 0, -ESRCH when PROCESS, its hypervisor, has ended before, or
 * another -errno. By SIGTERM, -ETIMEDOUT when the time was over, or -EINTR; both are logged, with what the
 * guest told last. */
int guest_await(const struct microvm *vm, const char *dir, int process);
