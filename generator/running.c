/* SPDX-License-Identifier: MIT */
#include "running.h"

#include "../common/owned.h"
#include "../common/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int folders_in(const char *root, const char *folder, struct words *ret)
{
	OWNED(drop_str) char *path = text_format("%s%s", root, folder);
	OWNED(drop_dir) DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	for (errno = 0; (entry = readdir(dir)); errno = 0)
		if (entry->d_type == DT_DIR && *entry->d_name != '.')
			words_add(ret, entry->d_name);
	if (errno)
		return -errno;
	words_sort(ret);
	return 0;
}

int running_names(const char *root, struct words *ret)
{
	return folders_in(root, "/run/microvm", ret);
}

int running_shares(const char *root, struct words *ret)
{
	return folders_in(root, "/run/microvm-share", ret);
}

static unsigned long stop_seconds(const char *folder)
{
	static const char key[] = "microvm.shutdownTimeout=";
	OWNED(drop_str) char *path = text_format("%s/state", folder);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	OWNED(drop_file) FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	char line[256];

	/* Its owner can put anything there, of any length. */
	for (int i = 0; f && i < 100 && fgets(line, sizeof(line), f); i++) {
		unsigned long seconds;

		if (strncmp(line, key, sizeof(key) - 1) != 0)
			continue;
		seconds = strtoul(line + sizeof(key) - 1, NULL, 10);
		return seconds > 86400 ? 86400 : seconds;
	}
	return 0;
}

int running_read(const char *root, const char *name, struct running *ret)
{
	OWNED(drop_str) char *path = text_format("%s/run/microvm/%s", root, name);
	struct stat st;

	*ret = (struct running){ .uid = -1 };
	if (strchr(name, '/'))
		return 0;
	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG ? 0 : -errno;
	if (!S_ISDIR(st.st_mode))
		return 0;
	ret->uid = (long)st.st_uid;
	ret->stop_seconds = stop_seconds(path);
	return 0;
}
