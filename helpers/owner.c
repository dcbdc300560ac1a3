/* SPDX-License-Identifier: MIT */
#include "owner.h"

#include "../common/owned.h"
#include "grants.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define NOBODY ((uid_t)-1) /* as chown(2) has it: nobody's is changed, nothing is */

struct move {
	uid_t uid, to_uid;
	gid_t gid, to_gid;
	struct statx folder;
};

static int look(int file, struct statx *ret)
{
	return statx(file, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, ret) < 0 ? -errno
											 : 0;
}

/* Whether something is mounted there. The device does not tell on overlayfs and btrfs, which have
 * several; kernels before 5.8 tell nothing else. */
static bool elsewhere(const struct statx *a, const struct statx *b)
{
	if (a->stx_mask & b->stx_mask & STATX_MNT_ID)
		return a->stx_mnt_id != b->stx_mnt_id;
	return a->stx_dev_major != b->stx_dev_major || a->stx_dev_minor != b->stx_dev_minor;
}

/* What was looked at and what changes hands are one descriptor: a name could mean another file by
 * then. Hard links follow too, whatever other name they have: only the old owner can have made one
 * to a file of the old owner's. */
static int move_one(int file, const struct statx *st, const struct move *m)
{
	uid_t uid = st->stx_uid == m->uid ? m->to_uid : NOBODY;
	gid_t gid = st->stx_gid == m->gid ? m->to_gid : (gid_t)NOBODY;

	if (uid == NOBODY && gid == (gid_t)NOBODY)
		return 0;
	return fchownat(file, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int move_inside(int folder, const struct move *m);

static int move_entry(int folder, const char *name, const struct move *m)
{
	OWNED(drop_fd) int file = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct statx st;
	int r;

	if (file < 0)
		return errno == ENOENT ? 0 : -errno;
	r = look(file, &st);
	if (r < 0 || elsewhere(&st, &m->folder))
		return r;
	if (S_ISDIR(st.stx_mode))
		r = move_inside(file, m);
	return r < 0 ? r : move_one(file, &st, m);
}

static int move_inside(int folder, const struct move *m)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	OWNED(drop_dir) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!d) {
		drop_fd(&fd);
		return -errno;
	}
	while (r == 0 && (entry = readdir(d)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = move_entry(fd, entry->d_name, m);
	return r;
}

int owner_move(int folder, const struct stat *st, uid_t uid, gid_t gid)
{
	struct move m = { .uid = st->st_uid, .to_uid = uid, .gid = NOBODY, .to_gid = gid };
	int r;

	if (uid_is_dynamic(st->st_gid))
		m.gid = st->st_gid;
	r = look(folder, &m.folder);
	if (r == 0)
		r = move_inside(folder, &m);
	return r == 0 ? move_one(folder, &m.folder, &m) : r;
}
