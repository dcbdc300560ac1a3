/* SPDX-License-Identifier: MIT */
/* trusted-path.h: root opens a path on which others own folders.
 *
 * Whoever owns a folder may put links and hard links into it at any time, and a MicroVM's user owns
 * its state folder. So behind the first folder that is not root's, no symbolic link is followed and
 * no third owner's folder entered; before it, only root's own links are followed. What is found is a
 * descriptor, so that whatever is done next is done to just that file.
 *
 * Step by step, as openat2() is refused to a unit with RestrictSUIDSGID=, which DynamicUser= implies
 * (a filter cannot see its flags). */
#pragma once

#include <sys/stat.h>

struct found {
	int folder; /* O_PATH: where the last name lies, after all links */
	char *name;
	int file;    /* O_PATH; -1: nothing has that name yet */
	uid_t owner; /* of the first folder on the way that is not root's, or 0 */
	struct stat stat;
};

#define NOTHING_FOUND ((struct found){ .folder = -1, .file = -1 })

/* Finds an absolute path. Returns 0 also where only the last name does not exist; -ELOOP where the
 * path is not to be trusted; else -errno. */
int path_find(const char *path, struct found *ret);

/* The same where a folder stands for "/", also for what links say; "" is the host's own root. */
int path_find_below(const char *root, const char *path, struct found *ret);

/* The same for a folder that has to exist, and for "/" as well. */
int path_find_folder(const char *path, struct found *ret);

/* The name of what a descriptor stands for, for calls that take names alone. */
#define PATH_OF_FD (sizeof("/proc/self/fd/") + 3 * sizeof(int))
void path_of_fd(int fd, char ret[PATH_OF_FD]);

/* Opens what an O_PATH descriptor stands for. */
int path_reopen(int file, int flags);

void drop_found(struct found *f);
