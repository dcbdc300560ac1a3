/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* What is done at each entry that is no folder, and at each folder when all in it is done. */
struct walk {
	int (*file)(struct walk *w, int folder, const char *name);
	int (*folder)(struct walk *w, int parent, const char *name);
	struct tree_size size;
	char *where;
};

static int open_below(int folder, const char *name, int flags)
{
	const struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, folder, name, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* Remembers where it failed, once, and from there on the way up. */
static int failed(struct walk *w, int r, const char *name)
{
	char *below = w->where;

	if (r == 0)
		return 0;
	w->where = below ? text_format("%s/%s", name, below) : text_copy(name);
	free(below);
	return r;
}

static int walk_entry(struct walk *w, int folder, const char *name);

static int walk_entries(struct walk *w, DIR *dir)
{
	struct dirent *entry;
	int r = 0;

	for (errno = 0; r == 0 && (entry = readdir(dir)); errno = 0)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = walk_entry(w, dirfd(dir), entry->d_name);
	return r < 0 ? r : -errno;
}

static int walk_folder(struct walk *w, int parent, const char *name)
{
	OWNED(drop_dir) DIR *dir = NULL;
	int fd = open_below(parent, name, O_RDONLY | O_DIRECTORY), r;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	r = walk_entries(w, dir);
	return r < 0 ? r : w->folder(w, parent, name);
}

static int walk_entry(struct walk *w, int folder, const char *name)
{
	struct stat st;
	int r;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(w, -errno, name);
	w->size.files++;
	w->size.bytes += (uint64_t)st.st_blocks * 512;
	r = S_ISDIR(st.st_mode) ? walk_folder(w, folder, name) : w->file(w, folder, name);
	return failed(w, r, name);
}

/* A file on which something is mounted, or that a hypervisor or another program has locked. */
static int file_look(struct walk *w, int folder, const char *name)
{
	OWNED(drop_fd) int fd = -1;
	struct stat st;

	(void)w;
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return 0;
	fd = open_below(folder, name, O_RDONLY);
	if (fd < 0)
		return fd;
	return flock(fd, LOCK_EX | LOCK_NB) < 0 ? -EBUSY : 0;
}

static int folder_look(struct walk *w, int parent, const char *name)
{
	(void)w;
	(void)parent;
	(void)name;
	return 0;
}

static int file_delete(struct walk *w, int folder, const char *name)
{
	(void)w;
	return unlinkat(folder, name, 0) < 0 ? -errno : 0;
}

static int folder_delete(struct walk *w, int parent, const char *name)
{
	(void)w;
	return unlinkat(parent, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int tree_measure(const struct tree *tree, struct tree_size *ret, char **ret_where)
{
	struct walk w = { .file = file_look, .folder = folder_look };
	struct stat st;
	int r;

	if (fstatat(tree->parent, tree->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
		return -ELOOP;
	r = walk_entry(&w, tree->parent, tree->name);
	*ret = w.size;
	*ret_where = w.where;
	return r;
}

int tree_delete(const struct tree *tree, char **ret_where)
{
	struct walk w = { .file = file_delete, .folder = folder_delete };
	int r = walk_entry(&w, tree->parent, tree->name);

	*ret_where = w.where;
	return r;
}
