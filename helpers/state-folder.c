/* SPDX-License-Identifier: MIT */
#include "state-folder.h"

#include "../common/escape.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "grants.h"
#include "owner.h"
#include "run-program.h"
#include "../common/trusted-path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUR_FOLDER "/var/lib/microvms/"

enum {
	OF_USER = 0700,
	OF_GROUP = 01770, /* sticky: what is root's in it stays */
};

static int move_folder(const char *path, const struct found *f, uid_t uid, gid_t gid)
{
	int r = owner_move(f->file, &f->stat, uid, gid);

	if (r < 0)
		return log_failure(r, "state folder %s: cannot be given to UID %u", path, uid);
	log_line(LEVEL_INFO, "state folder %s: what was UID %u's in it is UID %u's now", path,
		 f->stat.st_uid, uid);
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

static int run_tmpfiles(const char *path, unsigned mode, uid_t uid, gid_t gid)
{
	OWNED(drop_words) struct words argv = { 0 };
	OWNED(drop_text) struct text lines = { 0 };
	int r;

	/* The word's quoting and its specifiers are those of unit files (tmpfiles.d(5)). */
	text_add(&lines, "d ");
	escape_list_word(&lines, path);
	text_addf(&lines, " %04o %u %u\n", mode, uid, gid);
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

static int make_folder(const char *path, unsigned mode, uid_t uid, gid_t gid, struct found *ret)
{
	int r = run_tmpfiles(path, mode, uid, gid);

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
	r = found.file < 0 ? make_folder(path, OF_USER, uid, gid, &found) : EXIT_DONE;
	return r == EXIT_DONE ? follow_user(path, &found, uid, gid) : r;
}

/* It is root's at last; whose it was, its group tells then. */
static int give_to_group(const struct found *f, uid_t uid, gid_t gid)
{
	struct stat was = f->stat;
	char name[PATH_OF_FD];
	int r = 0;

	if (!uid_is_dynamic(was.st_uid))
		was.st_uid = was.st_gid;
	if (uid_is_dynamic(was.st_uid) && was.st_uid != uid)
		r = owner_move(f->file, &was, uid, gid);
	if (r < 0)
		return r;
	path_of_fd(f->file, name);
	if (fchownat(f->file, "", 0, gid, AT_EMPTY_PATH) < 0 || chmod(name, OF_GROUP) < 0)
		return -errno;
	return 0;
}

int state_folder_make_for_group(const char *path, uid_t uid, gid_t gid)
{
	OWNED(drop_found) struct found found = NOTHING_FOUND;
	int r = path_find(path, &found);

	if (r < 0)
		return cannot_find(path, r);
	r = found.file < 0 ? make_folder(path, OF_GROUP, 0, gid, &found) : EXIT_DONE;
	if (r != EXIT_DONE)
		return r;
	if (!S_ISDIR(found.stat.st_mode)) {
		log_line(LEVEL_ERROR, "state folder %s: is not a folder", path);
		return EXIT_REFUSED;
	}
	r = give_to_group(&found, uid, gid);
	return r < 0 ? log_failure(r, "state folder %s: cannot be opened to UID %u", path, uid) :
		       EXIT_DONE;
}
