/* SPDX-License-Identifier: MIT */
/* probe.h: what an image holds, as libblkid sees it. */
#pragma once

enum content {
	CONTENT_EMPTY,	 /* nothing but zeros */
	CONTENT_DATA,	 /* something, and no signature that libblkid knows */
	CONTENT_UNKNOWN, /* of a block device, which is not read to its end: one of these two */
	CONTENT_KNOWN,	 /* one thing: a file system, an encrypted volume, swap, … */
	CONTENT_TABLE,	 /* a partition table */
	CONTENT_SEVERAL, /* signatures that contradict each other */
};

/* Asks what is in a raw image. *ret_type is the thing's name as blkid(8) prints it, or NULL; free()
 * by the caller. Returns an enum content, or -errno. */
int probe_content(int fd, char **ret_type);
