/* SPDX-License-Identifier: MIT */
/* grants.h: who was let into images that are not their own, and a record of it.
 *
 * The record is what a stop goes by, whatever the configuration says by then. It lies in a folder of
 * root's, where a MicroVM's user cannot write, and is gone with the next boot; the entries in the
 * images' access control lists are not, so those of dynamic users that no record knows are removed. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

struct grants {
	int folder;   /* of all MicroVMs' records; locked */
	char *record; /* name of this MicroVM's */
};

#define NO_GRANTS ((struct grants){ .folder = -1 })

/* Waits until nobody else is at the records or at the lists that they tell of. */
int grants_open(const char *folder, const char *microvm, struct grants *ret);

/* Lets the user into an open image, after noting it. Returns 0, -EOPNOTSUPP where the file system has
 * no access control lists, or -errno. */
int grants_add(const struct grants *g, int fd, const char *path, uid_t uid, bool write);

/* Takes back all that the record tells of. Returns 0, or the first error after trying all. */
int grants_release(const struct grants *g);

void drop_grants(struct grants *g);

/* UIDs that systemd gives to dynamic users (systemd.io/UIDS-GIDS). */
static inline bool uid_is_dynamic(uid_t uid)
{
	return uid >= 61184 && uid <= 65519;
}
