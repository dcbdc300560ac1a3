/* SPDX-License-Identifier: MIT */
#include "share-folder.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/trusted-path.h"
#include "grants.h"
#include "made-folders.h"
#include "owner.h"

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

/* Follows the state folder anyway, or is not below it and needs a note of its own. */
static bool is_noted(const struct share *share)
{
	return *share->source == '/';
}

/* A new folder is root's and empty, so whatever is root's in it later came from somebody else. */
static int give(const struct found *found, uid_t uid, gid_t gid)
{
	if (found->stat.st_uid != 0)
		return owner_move(found->file, &found->stat, uid, gid);
	return fchownat(found->file, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* In between both may be its owner, so that whoever is cut off here finds it again. */
static int hand_over(const struct microvm *vm, const char *path, const struct found *found, uid_t uid,
		     gid_t gid)
{
	int r = made_folders_note(vm->name, path, found->file, found->stat.st_uid, uid);

	if (r == 0)
		r = give(found, uid, gid);
	return r == 0 ? made_folders_note(vm->name, path, found->file, uid, uid) : r;
}

/* Under the name that nobody has; it is the user's before anybody can have put something in. */
static int make(const struct microvm *vm, const struct share *share, const char *path,
		struct found *found, uid_t uid, gid_t gid)
{
	int r;

	if (mkdirat(found->folder, found->name, 0700) < 0)
		return -errno;
	found->file = openat(found->folder, found->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (found->file < 0 || fstat(found->file, &found->stat) < 0)
		return -errno;
	r = is_noted(share) ? hand_over(vm, path, found, uid, gid) : give(found, uid, gid);
	return r == 0 && fchmod(found->file, 0755) < 0 ? -errno : r;
}

static int follow_user(const struct microvm *vm, const struct share *share, const char *path,
		       const struct found *found, uid_t uid, gid_t gid)
{
	uid_t owner = found->stat.st_uid;
	int r;

	if (!is_noted(share) || owner == uid || (owner != 0 && !uid_is_dynamic(owner)) ||
	    !made_folders_have(vm->name, path, found->file, owner))
		return 0;
	r = hand_over(vm, path, found, uid, gid);
	if (r == 0)
		log_line(LEVEL_INFO, "[share %s] %s: what was UID %u's in it is UID %u's now",
			 share->section.id, path, owner, uid);
	return r;
}

int share_folder_make(const struct microvm *vm, const struct share *share, uid_t uid, gid_t gid)
{
	OWNED(drop_found) struct found found = NOTHING_FOUND;
	OWNED(drop_str) char *path = share_source(vm, share);
	int r = path_find_folder(path, &found);

	/* With a folder to lie in, but without a name, it only does not exist. */
	if (r == -ENOENT && found.folder >= 0)
		r = make(vm, share, path, &found, uid, gid);
	else if (r == 0)
		r = follow_user(vm, share, path, &found, uid, gid);
	return r < 0 ? cannot_find(share, path, r) : EXIT_DONE;
}
