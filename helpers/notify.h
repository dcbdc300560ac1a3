/* SPDX-License-Identifier: MIT */
/* notify.h: the port of the host at which the guest's systemd tells that it is up (vmm.notify_socket,
 * systemd.system-credentials(7)). microvm-ready listens and leaves the port in the runtime folder;
 * microvm-run starts no guest before. The socket is not inherited by the hypervisor: where it stays open
 * and nobody answers, the guest's PID 1 waits for ever. */
#pragma once

#include "../config/model.h"

enum { NOTIFY_PORT = 28022 }; /* behind a Unix socket each guest has all ports for itself */

struct notify {
	int socket;
	char *path; /* of a Unix socket; NULL: vsock(7), at a port that the kernel chose */
	char *note; /* the file that has the port */
};

/* Listens, and says so to microvm-run. RET is empty before, and dropped by the caller also where this
 * fails with -errno. */
int notify_listen(const struct microvm *vm, const char *dir, struct notify *ret);
void drop_notify(struct notify *n);

/* Waits until somebody listens. Returns 0, -errno, or -ETIMEDOUT after a minute. */
int notify_await(const char *dir, unsigned *ret);
