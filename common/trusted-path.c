/* SPDX-License-Identifier: MIT */
#include "trusted-path.h"

#include "owned.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define MOST_LINKS 40 /* as the kernel's own limit */

struct walk {
	int at;
	const char *root;
	uid_t owner; /* of the first folder that is not root's; 0: only root's so far */
	char *rest;
	unsigned links;
};

static void drop_walk(struct walk *w)
{
	drop_fd(&w->at);
	free(w->rest);
}

static int walk_to(struct walk *w, int folder)
{
	if (folder < 0)
		return -errno;
	drop_fd(&w->at);
	w->at = folder;
	return 0;
}

static int open_root(const char *root)
{
	return open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int walk_to_root(struct walk *w)
{
	return walk_to(w, open_root(w->root));
}

/* Takes the next name off what is left to walk; *ret_last tells whether it is the last one. */
static char *next_name(struct walk *w, bool *ret_last)
{
	char *from = w->rest + strspn(w->rest, "/"), *end = from + strcspn(from, "/"), *name, *rest;

	*ret_last = end[strspn(end, "/")] == '\0';
	name = text_format("%.*s", (int)(end - from), from);
	rest = text_copy(end);
	free(w->rest);
	w->rest = rest;
	return name;
}

/* What the link says comes before what is left to walk. */
static int follow_link(struct walk *w, int link, const struct stat *st)
{
	char target[PATH_MAX];
	char *rest;
	ssize_t n;

	if (w->owner != 0 || st->st_uid != 0 || ++w->links > MOST_LINKS)
		return -ELOOP;
	n = readlinkat(link, "", target, sizeof(target));
	if (n < 0)
		return -errno;
	rest = text_format("%.*s/%s", (int)n, target, w->rest);
	free(w->rest);
	w->rest = rest;
	return target[0] == '/' ? walk_to_root(w) : 0;
}

static int enter_folder(struct walk *w, int *folder, const struct stat *st)
{
	if (!S_ISDIR(st->st_mode))
		return -ENOTDIR;
	if (w->owner != 0 && st->st_uid != 0 && st->st_uid != w->owner)
		return -ELOOP;
	if (w->owner == 0)
		w->owner = st->st_uid;
	drop_fd(&w->at);
	w->at = *folder;
	*folder = -1;
	return 0;
}

static void hand_over(struct walk *w, char **name, int *file, const struct stat *st, struct found *ret)
{
	*ret = (struct found){
		.folder = w->at, .name = MOVE(*name), .file = *file, .owner = w->owner, .stat = *st
	};
	w->at = *file = -1;
}

/* One name further. Returns 1 when the walk is over. */
static int walk_on(struct walk *w, struct found *ret)
{
	OWNED(drop_str) char *name = NULL;
	OWNED(drop_fd) int file = -1;
	struct stat st = { 0 };
	bool last;

	name = next_name(w, &last);
	if (!*name)
		return -EISDIR;
	/* Whoever may move a folder says where it leads up to. */
	if (w->owner != 0 && strcmp(name, "..") == 0)
		return -ELOOP;
	file = openat(w->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (file < 0 && (errno != ENOENT || !last))
		return -errno;
	if (file >= 0 && fstat(file, &st) < 0)
		return -errno;
	if (file >= 0 && S_ISLNK(st.st_mode))
		return follow_link(w, file, &st);
	if (!last)
		return enter_folder(w, &file, &st);
	hand_over(w, &name, &file, &st, ret);
	return 1;
}

int path_find_below(const char *root, const char *path, struct found *ret)
{
	OWNED(drop_walk) struct walk w = { .at = -1, .root = root };
	int r;

	w.rest = text_copy(path);
	for (r = walk_to_root(&w); r == 0;)
		r = walk_on(&w, ret);
	return r < 0 ? r : 0;
}

int path_find(const char *path, struct found *ret)
{
	return path_find_below("", path, ret);
}

static int find_root(struct found *ret)
{
	ret->file = open_root("");
	return ret->file < 0 || fstat(ret->file, &ret->stat) < 0 ? -errno : 0;
}

int path_find_folder(const char *path, struct found *ret)
{
	int r = path[strspn(path, "/")] ? path_find(path, ret) : find_root(ret);

	if (r == 0 && ret->file < 0)
		return -ENOENT;
	return r == 0 && !S_ISDIR(ret->stat.st_mode) ? -ENOTDIR : r;
}

void path_of_fd(int fd, char ret[PATH_OF_FD])
{
	(void)snprintf(ret, PATH_OF_FD, "/proc/self/fd/%d", fd);
}

int path_reopen(int file, int flags)
{
	char name[PATH_OF_FD];
	int fd;

	path_of_fd(file, name);
	fd = open(name, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void drop_found(struct found *f)
{
	drop_fd(&f->folder);
	drop_fd(&f->file);
	free(f->name);
	*f = NOTHING_FOUND;
}
