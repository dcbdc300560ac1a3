/* SPDX-License-Identifier: MIT */
/* block.h: the host's block devices, and what the host does with them. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Opens a block device as one that the kernel gives to nobody else (open(2), O_EXCL): not while it,
 * its disk or one of its partitions is mounted, in use as swap, or part of a RAID, LVM or dm
 * device, in whatever mount namespace that is; and as long as it is open, the kernel refuses all of
 * these. Waits a second for those who only look, as udev does after every change. Returns the
 * descriptor, -EBUSY, or another -errno. */
int block_claim(const char *path, int flags);

/* Why a device cannot be claimed: "is mounted at /srv", "has a partition sda1, which is in use as
 * swap"; NULL where the host does nothing with it, or nothing that shows. What anybody may read is
 * enough for this. ROOT stands in front of /proc and /sys. free() by the caller. */
char *block_use(const char *root, dev_t device);

/* Its bytes, or 0 where that is not known. */
uint64_t block_size(const char *root, dev_t device);
