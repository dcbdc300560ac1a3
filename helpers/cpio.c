/* SPDX-License-Identifier: MIT */
#include "cpio.h"

#include "../common/owned.h"
#include "../common/text.h"

#include <string.h>
#include <sys/stat.h>

static void pad(FILE *to, size_t written)
{
	static const char zeros[4];

	(void)fwrite(zeros, 1, -written & 3, to);
}

/* magic, inode, mode, uid, gid, links, mtime, size, device (2), rdev (2), length of the name, checksum */
static void add(struct cpio *c, const char *path, unsigned mode, const void *bytes, size_t n)
{
	size_t name = strlen(path) + 1;
	int head = fprintf(c->to, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", ++c->files,
			   mode, 0, 0, 1, 0, n, 0, 0, 0, 0, name, 0);

	(void)fwrite(path, 1, name, c->to);
	pad(c->to, (head > 0 ? (size_t)head : 0) + name);
	(void)fwrite(bytes, 1, n, c->to);
	pad(c->to, n);
}

static void add_folders(struct cpio *c, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		OWNED(drop_str) char *folder = text_format("%.*s", (int)(slash - path), path);

		add(c, folder, S_IFDIR | 0755, "", 0);
	}
}

void cpio_add_file(struct cpio *c, const char *path, const void *bytes, size_t n)
{
	add_folders(c, path);
	add(c, path, S_IFREG | 0644, bytes, n);
}

void cpio_add_link(struct cpio *c, const char *path, const char *target)
{
	add_folders(c, path);
	add(c, path, S_IFLNK | 0777, target, strlen(target));
}

void cpio_end(struct cpio *c)
{
	add(c, "TRAILER!!!", 0, "", 0);
}
