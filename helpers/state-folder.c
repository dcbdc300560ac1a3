/* SPDX-License-Identifier: MIT */
#include "state-folder.h"

#include "../common/escape.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "grants.h"
#include "run-program.h"
#include "trusted-path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUR_FOLDER "/var/lib/microvms/"
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

/* The folder itself comes last: as long as it has its old owner, the next start begins anew. */
static int move_folder(const char *path, const struct found *f, uid_t uid, gid_t gid)
{
	struct move m = { .uid = f->stat.st_uid, .to_uid = uid, .gid = NOBODY, .to_gid = gid };
	int r;

	if (uid_is_dynamic(f->stat.st_gid))
		m.gid = f->stat.st_gid;
	r = look(f->file, &m.folder);
	if (r == 0)
		r = move_inside(f->file, &m);
	if (r == 0)
		r = move_one(f->file, &m.folder, &m);
	if (r < 0)
		return log_failure(r, "state folder %s: cannot be given to UID %u", path, uid);
	log_line(LEVEL_INFO, "state folder %s: what was UID %u's in it is UID %u's now", path,
		 m.uid, uid);
	return EXIT_DONE;
}

static bool is_empty(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	OWNED(drop_dir) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!d)
		drop_fd(&fd);
	while (d && (entry = readdir(d)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return false;
	return d != NULL;
}

/* Of root's, only what nobody else can miss: a folder where just MicroVMs' are, or one with nothing
 * in it, as systemd-tmpfiles leaves it that was cut off. Its files stay root's. */
static int take_from_root(const char *path, const struct found *f, uid_t uid, gid_t gid)
{
	if (strncmp(path, OUR_FOLDER, strlen(OUR_FOLDER)) != 0 && !is_empty(f->file)) {
		log_line(LEVEL_ERROR,
			 "state folder %s: belongs to root and is not empty; give it to the "
			 "MicroVM with chown(1) %u:%u if it is the right one",
			 path, uid, gid);
		return EXIT_REFUSED;
	}
	if (fchownat(f->file, "", uid, gid, AT_EMPTY_PATH) < 0)
		return log_failure(-errno, "state folder %s: cannot be given to UID %u", path, uid);
	return EXIT_DONE;
}

static int follow_user(const char *path, const struct found *f, uid_t uid, gid_t gid)
{
	if (!S_ISDIR(f->stat.st_mode)) {
		log_line(LEVEL_ERROR, "state folder %s: is not a folder", path);
		return EXIT_REFUSED;
	}
	if (f->stat.st_uid == uid)
		return EXIT_DONE;
	if (uid_is_dynamic(f->stat.st_uid))
		return move_folder(path, f, uid, gid);
	if (f->stat.st_uid == 0)
		return take_from_root(path, f, uid, gid);
	log_line(LEVEL_ERROR,
		 "state folder %s: belongs to UID %u and not to the MicroVM's user (UID %u); "
		 "set user to whose it is, or chown(1) it and all in it",
		 path, f->stat.st_uid, uid);
	return EXIT_REFUSED;
}

static int run_tmpfiles(const char *path, uid_t uid, gid_t gid)
{
	OWNED(drop_words) struct words argv = { 0 };
	OWNED(drop_text) struct text lines = { 0 };
	int r;

	/* The word's quoting and its specifiers are those of unit files (tmpfiles.d(5)). */
	text_add(&lines, "d ");
	escape_list_word(&lines, path);
	text_addf(&lines, " 0700 %u %u\n", uid, gid);
	words_add(&argv, "systemd-tmpfiles");
	words_add(&argv, "--create");
	words_add(&argv, "-");
	r = program_run(&argv, lines.at, -1);
	if (r < 0)
		return log_failure(r, "state folder %s: cannot run systemd-tmpfiles", path);
	return EXIT_DONE;
}

static int cannot_find(const char *path, int error)
{
	if (error == -ELOOP) {
		log_line(LEVEL_ERROR,
			 "state folder %s: on the way is a link or folder that another user "
			 "than root may have put there; name the place itself",
			 path);
		return EXIT_REFUSED;
	}
	if (error == -ENOENT) {
		log_line(LEVEL_ERROR,
			 "state folder %s: the folder that it lies in does not exist; make it "
			 "first",
			 path);
		return EXIT_REFUSED;
	}
	return log_failure(error, "state folder %s: cannot be opened", path);
}

static int make_folder(const char *path, uid_t uid, gid_t gid, struct found *ret)
{
	int r = run_tmpfiles(path, uid, gid);

	if (r != EXIT_DONE)
		return r;
	drop_found(ret);
	r = path_find(path, ret);
	if (r < 0)
		return cannot_find(path, r);
	if (ret->file >= 0)
		return EXIT_DONE;
	log_line(LEVEL_ERROR, "state folder %s: systemd-tmpfiles did not make it", path);
	return EXIT_REFUSED;
}

int state_folder_make(const char *path, uid_t uid, gid_t gid)
{
	OWNED(drop_found) struct found found = NOTHING_FOUND;
	int r = path_find(path, &found);

	if (r < 0)
		return cannot_find(path, r);
	r = found.file < 0 ? make_folder(path, uid, gid, &found) : EXIT_DONE;
	return r == EXIT_DONE ? follow_user(path, &found, uid, gid) : r;
}
