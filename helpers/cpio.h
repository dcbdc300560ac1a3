/* SPDX-License-Identifier: MIT */
/* cpio.h: an archive in the format "newc", as the kernel unpacks it from an initrd
 * (Documentation/driver-api/early-userspace/buffer-format.rst). Everything in it is root's.
 *
 * What cannot be written shows in ferror() of the stream; the archive begins where a multiple of 4 bytes
 * stands before it. */
#pragma once

#include <stdio.h>

struct cpio {
	FILE *to;
	unsigned files; /* so far: each has a number */
};

/* Paths are relative. The folders on the way are added before, each time, which does no harm. */
void cpio_add_file(struct cpio *c, const char *path, const void *bytes, size_t n);
void cpio_add_link(struct cpio *c, const char *path, const char *target);
void cpio_end(struct cpio *c);
