/* SPDX-License-Identifier: MIT */
#include "sink.h"

#include "../common/digest.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int folder_make(const struct sink *sink, const char *folder)
{
	if (mkdirat(sink->folder, folder, 0755) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

static int write_all(int fd, const char *content)
{
	size_t left = strlen(content);

	while (left > 0) {
		ssize_t n = write(fd, content, left);

		if (n < 0)
			return -errno;
		content += n;
		left -= (size_t)n;
	}
	return 0;
}

static int file_create(const struct sink *sink, const char *path, mode_t mode)
{
	return openat(sink->folder, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
}

static int file_make(const struct sink *sink, const char *path, const char *content, mode_t mode)
{
	OWNED(drop_fd) int fd = -1;
	int r;

	fd = file_create(sink, path, mode);
	/* What a run before us with this process number left behind is nobody's. */
	if (fd < 0 && errno == EEXIST && unlinkat(sink->folder, path, 0) == 0)
		fd = file_create(sink, path, mode);
	if (fd < 0)
		return -errno;
	r = write_all(fd, content);
	if (close(MOVE_FD(fd)) < 0 && r == 0)
		r = -errno;
	return r;
}

static int file_put(const struct sink *sink, const char *folder, const char *file,
		    const char *content, mode_t mode)
{
	OWNED(drop_str) char *path = text_format("%s/%s", folder, file);
	/* systemd reads *.conf only, so this name is none that it sees. */
	OWNED(drop_str) char *temporary = text_format("%s.%d~", path, (int)getpid());
	int r = folder_make(sink, folder);

	if (r == 0)
		r = file_make(sink, temporary, content, mode);
	if (r == 0 && renameat(sink->folder, temporary, sink->folder, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(sink->folder, temporary, 0);
	return r;
}

static void digest_file(const struct sink *sink, const char *folder, const char *content)
{
	if (sink->digest)
		*sink->digest = digest_add_text(digest_add_text(*sink->digest, folder), content);
}

int sink_file(const struct sink *sink, const char *folder, const char *file, const char *content)
{
	digest_file(sink, folder, content);
	if (sink->folder >= 0)
		return file_put(sink, folder, file, content, 0644);
	if (sink->folder == SINK_PRINT)
		printf("# %s/%s\n%s\n", folder, file, content);
	return 0;
}

int sink_secret(const struct sink *sink, const char *folder, const char *file, const char *content)
{
	if (sink->folder >= 0)
		return file_put(sink, folder, file, content, 0600);
	if (sink->folder == SINK_PRINT)
		printf("# %s/%s\n(for root alone)\n", folder, file);
	return 0;
}

int sink_dropin(const struct sink *sink, const char *unit, const char *content)
{
	OWNED(drop_str) char *folder = text_format("%s.d", unit);

	return sink_file(sink, folder, "50-microvm.conf", content);
}

int sink_link(const struct sink *sink, const char *folder, const char *name, const char *target)
{
	OWNED(drop_str) char *path = NULL;
	int r;

	if (sink->folder == SINK_PRINT)
		printf("# %s/%s -> %s\n\n", folder, name, target);
	if (sink->folder < 0)
		return 0;
	path = text_format("%s/%s", folder, name);
	r = folder_make(sink, folder);
	if (r == 0 && symlinkat(target, sink->folder, path) < 0 && errno != EEXIST)
		r = -errno;
	return r;
}
