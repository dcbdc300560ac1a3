/* SPDX-License-Identifier: MIT */
/* sysfs.h: attributes of the kernel's objects: short texts in files. All return -errno. */
#pragma once

#include <stdint.h>

/* The first line, without its end; free() by the caller. */
int sysfs_read(const char *path, char **ret);

/* What the link leads to, its last part; free() by the caller. */
int sysfs_link(const char *path, char **ret);

/* The write is a driver's work and can hang in the kernel for ever, so a child does it: -ETIMEDOUT
 * where it does not end. */
int sysfs_write(const char *path, const char *text, uint64_t usec);
