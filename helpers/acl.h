/* SPDX-License-Identifier: MIT */
/* acl.h: the entries of single users in a file's POSIX access control list (acl(5)). */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Chooses entries by their user. */
typedef bool acl_chooser(uid_t uid, void *data);

/* Lets a user read, or read and write, and takes away the entries of those that are chosen. A list
 * that is so already is not written. Returns 0, -EOPNOTSUPP where the file system has no lists, or
 * -errno. The descriptor may be an O_PATH one. */
int acl_let(int fd, uid_t uid, bool write, acl_chooser *stale, void *data);

/* Takes a user's entry away, if there is one. */
int acl_take_back(int fd, uid_t uid);
