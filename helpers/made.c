/* SPDX-License-Identifier: MIT */
#include "made.h"

#include "tree.h"
#include "../common/digest.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *draft_name(const char *name)
{
	return text_format(".%s.microvm-new", name);
}

static char *digest_name(const struct made *m)
{
	return text_format("%s.digest", m->name);
}

/* Removes what a start left that was cut off. The folder is the user's, so whatever has the name now is not
 * opened, but replaced. */
static int draft(const struct made *m, const char *name)
{
	OWNED(drop_str) char *new = draft_name(name);
	OWNED(drop_fd) int fd = -1;

	if (unlinkat(m->folder, new, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(m->folder, new, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	return fd < 0 ? -errno : MOVE_FD(fd);
}

static int publish(const struct made *m, const char *name, int fd)
{
	OWNED(drop_str) char *new = draft_name(name);

	/* fsync() may be the first to tell that the disk is full. */
	if (fsync(fd) < 0 || fchown(fd, m->uid, m->gid) < 0 ||
	    renameat(m->folder, new, m->folder, name) < 0)
		return -errno;
	return 0;
}

/* What the digest file has to say of a file that was made of DIGEST: it is that file, and it was not written to
 * since. Its owner can change, and with it its ctime, when the user gets another UID. */
static char *line_of(const struct stat *st, uint64_t digest)
{
	return text_format("%016" PRIx64 " %ju %ju %ju.%09ld\n", digest, (uintmax_t)st->st_ino,
			   (uintmax_t)st->st_size, (uintmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

static bool has_line(const struct made *m, const char *name, const char *line)
{
	OWNED(drop_fd) int fd = openat(m->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[128];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	return n >= 0 && (size_t)n == strlen(line) && memcmp(text, line, (size_t)n) == 0;
}

bool made_is_fresh(const struct made *m, uint64_t digest)
{
	OWNED(drop_str) char *name = digest_name(m);
	OWNED(drop_str) char *line = NULL;
	struct stat st;

	if (fstatat(m->folder, m->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return false;
	line = line_of(&st, digest);
	return has_line(m, name, line);
}

int made_draft(const struct made *m, int *ret)
{
	int fd = draft(m, m->name);

	if (fd < 0)
		return fd;
	*ret = fd;
	return 0;
}

static int write_digest(const struct made *m, const struct stat *st, uint64_t digest)
{
	OWNED(drop_str) char *name = digest_name(m);
	OWNED(drop_str) char *line = line_of(st, digest);
	OWNED(drop_fd) int fd = draft(m, name);

	if (fd < 0)
		return fd;
	if (write(fd, line, strlen(line)) != (ssize_t)strlen(line))
		return -EIO;
	return publish(m, name, fd);
}

int made_publish(const struct made *m, int fd, uint64_t digest)
{
	struct stat st;
	int r = publish(m, m->name, fd);

	if (r < 0)
		return r;
	return fstat(fd, &st) < 0 ? -errno : write_digest(m, &st, digest);
}

void made_forget(const struct made *m)
{
	OWNED(drop_str) char *name = draft_name(m->name);

	(void)unlinkat(m->folder, name, 0);
}

int made_remove(const struct made *m)
{
	OWNED(drop_str) char *name = digest_name(m);

	if (unlinkat(m->folder, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return unlinkat(m->folder, m->name, 0) < 0 && errno != ENOENT ? -errno : 0;
}
