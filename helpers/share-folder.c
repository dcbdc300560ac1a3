/* SPDX-License-Identifier: MIT */
#include "share-folder.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "trusted-path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(const struct share *share, const char *path, const char *why)
{
	log_line(LEVEL_ERROR, "[share %s] %s: %s", share->section.id, path, why);
	return EXIT_REFUSED;
}

static int cannot_find(const struct share *share, const char *path, int error)
{
	if (error == -ELOOP)
		return refuse(share, path, "on the way is a link or folder that another user than "
					   "root may have put there; name the place itself");
	if (error == -ENOENT)
		return refuse(share, path, "the folder that it lies in does not exist; make it "
					   "first");
	if (error == -ENOTDIR)
		return refuse(share, path, "is not a folder");
	return refuse(share, path, strerror(-error));
}

/* Under the name that nobody has; it is the user's before anybody can have put something in. */
static int make(const struct found *found, uid_t uid, gid_t gid)
{
	OWNED(drop_fd) int fd = -1;

	if (mkdirat(found->folder, found->name, 0700) < 0)
		return -errno;
	fd = openat(found->folder, found->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchown(fd, uid, gid) < 0 || fchmod(fd, 0755) < 0)
		return -errno;
	return 0;
}

int share_folder_make(const struct microvm *vm, const struct share *share, uid_t uid, gid_t gid)
{
	OWNED(drop_found) struct found found = NOTHING_FOUND;
	OWNED(drop_str) char *path = share_source(vm, share);
	int r = path_find_folder(path, &found);

	/* With a folder to lie in, but without a name, it only does not exist. */
	if (r == -ENOENT && found.folder >= 0)
		r = make(&found, uid, gid);
	return r < 0 ? cannot_find(share, path, r) : EXIT_DONE;
}
