/* SPDX-License-Identifier: MIT */
#include "grants.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "acl.h"
#include "../common/trusted-path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define SUFFIX ".granted"

/* In a record: "UID DEVICE INODE PATH", ended by NUL, as paths may hold anything else. */
struct grant {
	uid_t uid;
	uintmax_t device, inode;
	const char *path;
};

int grants_open(const char *folder, const char *microvm, struct grants *ret)
{
	OWNED(drop_fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return -errno;
	*ret = (struct grants){ .folder = fd, .record = text_format("%s" SUFFIX, microvm) };
	fd = -1;
	return 0;
}

void drop_grants(struct grants *g)
{
	drop_fd(&g->folder);
	free(g->record);
	*g = NO_GRANTS;
}

/* A record's bytes; empty where there is none. */
static int record_read(int folder, const char *name, struct text *ret)
{
	OWNED(drop_fd) int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char bytes[4096];
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		text_add_bytes(ret, bytes, (size_t)n);
	return n < 0 ? -errno : 0;
}

/* The next grant of a record, or false. One that was cut off while it was written was never given.
 */
static bool grant_next(const struct text *record, size_t *at, struct grant *ret)
{
	while (record->at && *at < record->length) {
		const char *line = record->at + *at;
		size_t length = strlen(line);
		int n = 0;

		*at += length + 1;
		if (*at <= record->length &&
		    sscanf(line, "%u %ju %ju %n", &ret->uid, &ret->device, &ret->inode, &n) == 3 &&
		    n > 0) {
			ret->path = line + n;
			return true;
		}
	}
	return false;
}

static bool grant_is_for(const struct grant *g, uid_t uid, const struct stat *st)
{
	return g->uid == uid && g->device == st->st_dev && g->inode == st->st_ino;
}

static bool record_has(int folder, const char *name, uid_t uid, const struct stat *st)
{
	OWNED(drop_text) struct text record = { 0 };
	struct grant grant;
	size_t at = 0;

	(void)record_read(folder, name, &record);
	while (grant_next(&record, &at, &grant))
		if (grant_is_for(&grant, uid, st))
			return true;
	return false;
}

static int record_add(const struct grants *g, const struct stat *st, const char *path, uid_t uid)
{
	OWNED(drop_text) struct text line = { 0 };
	OWNED(drop_fd) int fd = -1;

	if (record_has(g->folder, g->record, uid, st))
		return 0;
	text_addf(&line, "%u %ju %ju %s", uid, (uintmax_t)st->st_dev, (uintmax_t)st->st_ino, path);
	fd = openat(g->folder, g->record, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return -errno;
	if (write(fd, line.at, line.length + 1) != (ssize_t)line.length + 1)
		return -EIO;
	return 0;
}

/* What to compare the entries of a list with: all records but our own. */
struct others {
	const struct grants *grants;
	const struct stat *image;
};

static DIR *open_records(const struct grants *g)
{
	int fd = openat(g->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		drop_fd(&fd);
	return d;
}

static bool is_stale(uid_t uid, void *data)
{
	const struct others *o = data;
	OWNED(drop_dir) DIR *d = NULL;
	const struct dirent *entry;

	if (!uid_is_dynamic(uid))
		return false;
	d = open_records(o->grants);
	while (d && (entry = readdir(d))) {
		const char *suffix = strrchr(entry->d_name, '.');

		if (suffix && strcmp(suffix, SUFFIX) == 0 &&
		    strcmp(entry->d_name, o->grants->record) != 0 &&
		    record_has(o->grants->folder, entry->d_name, uid, o->image))
			return false;
	}
	return d != NULL;
}

int grants_add(const struct grants *g, int fd, const char *path, uid_t uid, bool write)
{
	struct stat st;
	struct others others = { .grants = g, .image = &st };
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	/* Noted first: what was given must be known, whenever we are cut off. */
	r = record_add(g, &st, path, uid);
	return r < 0 ? r : acl_let(fd, uid, write, is_stale, &others);
}

/* An image that is gone, or another one by now, has nothing of ours to take back. */
static int release_one(const struct grant *grant)
{
	OWNED(drop_found) struct found found = NOTHING_FOUND;

	if (path_find(grant->path, &found) < 0 || found.file < 0 ||
	    !grant_is_for(grant, grant->uid, &found.stat))
		return 0;
	return acl_take_back(found.file, grant->uid);
}

int grants_release(const struct grants *g)
{
	OWNED(drop_text) struct text record = { 0 };
	struct grant grant;
	size_t at = 0;
	int r = record_read(g->folder, g->record, &record);

	while (grant_next(&record, &at, &grant)) {
		int one = release_one(&grant);

		if (one < 0)
			log_failure(one, "%s: the access of UID %u cannot be taken back",
				    grant.path, grant.uid);
		if (r == 0)
			r = one;
	}
	if (r == 0 && unlinkat(g->folder, g->record, 0) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}
