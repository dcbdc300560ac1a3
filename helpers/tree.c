/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include "../common/digest.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct walk {
	const struct words *left_out;
	void (*looked)(size_t names);
	struct text path;
	struct tree tree; /* its digest does not depend on the order in which a folder names its files */
};

static void drop_walk(struct walk *w)
{
	drop_text(&w->path);
}

uint64_t file_digest(uint64_t digest, const struct stat *st)
{
	const uint64_t fields[] = {
		st->st_dev,	    st->st_ino,		  st->st_mode,
		st->st_uid,	    st->st_gid,		  st->st_rdev,
		(uint64_t)st->st_size, (uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec,
		(uint64_t)st->st_ctim.tv_sec, (uint64_t)st->st_ctim.tv_nsec,
	};

	return digest_add(digest, fields, sizeof(fields));
}

static int walk_folder(int folder, struct walk *w);

static int walk_inside(int folder, const char *name, struct walk *w)
{
	int inside = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return inside < 0 ? -errno : walk_folder(inside, w);
}

/* Of a folder that is left out: its times tell what happens in it. */
static void forget_inside(struct stat *st)
{
	*st = (struct stat){ .st_mode = st->st_mode, .st_uid = st->st_uid, .st_gid = st->st_gid };
}

/* A file with several names is read once. */
static void count(struct walk *w, const struct stat *st)
{
	w->tree.digest += file_digest(digest_add_text(DIGEST_OF_NOTHING, w->path.at), st);
	w->tree.bytes += S_ISREG(st->st_mode) ? (uint64_t)st->st_size / (st->st_nlink > 1 ? st->st_nlink : 1) : 0;
	w->tree.names++;
	if (w->looked)
		w->looked(w->tree.names);
}

/* What goes away under our eyes changes the digest as well. */
static int walk_entry(int folder, const char *name, struct walk *w)
{
	size_t before = w->path.length;
	bool left_out;
	struct stat st;
	int r = 0;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	text_addf(&w->path, before > 0 ? "/%s" : "%s", name);
	left_out = words_have(w->left_out, w->path.at);
	if (left_out)
		forget_inside(&st);
	count(w, &st);
	if (S_ISDIR(st.st_mode) && !left_out)
		r = walk_inside(folder, name, w);
	w->path.length = before;
	w->path.at[before] = '\0';
	return r == -ENOENT ? 0 : r;
}

/* The descriptor is owned from now on. */
static int walk_folder(int folder, struct walk *w)
{
	OWNED(drop_dir) DIR *d = fdopendir(folder);
	const struct dirent *entry;
	int r = 0;

	if (!d) {
		drop_fd(&folder);
		return -errno;
	}
	while (r == 0 && (errno = 0, entry = readdir(d)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = walk_entry(folder, entry->d_name, w);
	return r == 0 ? -errno : r;
}

int tree_look(int folder, const struct words *left_out, void (*looked)(size_t names), struct tree *ret)
{
	OWNED(drop_walk) struct walk w = { .left_out = left_out, .looked = looked };
	int top = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int r;

	if (top < 0 || fstat(top, &st) < 0) {
		drop_fd(&top);
		return -errno;
	}
	r = walk_folder(top, &w);
	if (r < 0)
		return r;
	*ret = w.tree;
	ret->digest = file_digest(w.tree.digest, &st);
	return 0;
}

int tree_open(int folder, const char *path, int flags)
{
	OWNED(drop_fd) int at = openat(folder, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	OWNED(drop_str) char *names = text_copy(path);
	char *rest = names, *name = strsep(&rest, "/");

	while (at >= 0 && rest) {
		int next = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		drop_fd(&at);
		at = next;
		name = strsep(&rest, "/");
	}
	if (at < 0)
		return -errno;
	at = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC);
	return at < 0 ? -errno : MOVE_FD(at);
}
