/* SPDX-License-Identifier: MIT */
/* hold.h: files that are locked for as long as the hypervisor lives. The descriptors pass over exec
 * to it, and the kernel ends the locks when it closes the last of them, however the hypervisor
 * ends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct holds {
	int *fds;
	size_t count;
};

/* Opens with open(2)'s flags and locks with flock(2)'s operation. Returns 0, -EWOULDBLOCK where
 * another holds the file, or -errno. */
int hold(struct holds *h, const char *path, int flags, int operation);

/* The same for a block device that the hypervisor writes to, or that it only reads, as others may
 * at the same time. */
int hold_device(struct holds *h, const char *path, bool write);

/* From now on exec passes the descriptors on; not earlier, so that no other program gets them. */
int holds_keep(const struct holds *h);

void drop_holds(struct holds *h);
