/* SPDX-License-Identifier: MIT */
#include "running.h"

#include "../common/owned.h"
#include "../common/text.h"
#include "../hypervisors/hypervisor.h"

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

static unsigned long no_more_than_a_day(unsigned long seconds)
{
	return seconds > 86400 ? 86400 : seconds;
}

static bool stops_inside(const char *hypervisor)
{
	for (size_t i = 0; i < HYPERVISORS; i++)
		if (strcmp(hypervisors[i]->name, hypervisor) == 0)
			return hypervisors[i]->ends_with != NULL;
	return false;
}

/* NULL: the line is about another key. */
static const char *value_of(const char *line, const char *key)
{
	size_t n = strlen(key);

	return strncmp(line, key, n) == 0 && line[n] == '=' ? line + n + 1 : NULL;
}

static void read_state(const char *folder, struct running *ret)
{
	OWNED(drop_str) char *path = text_format("%s/state", folder);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	OWNED(drop_file) FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	char line[256];

	/* Its owner can put anything there, of any length. */
	for (int i = 0; f && i < 100 && fgets(line, sizeof(line), f); i++) {
		const char *seconds = value_of(line, "microvm.shutdownTimeout");
		const char *hypervisor = value_of(line, "microvm.hypervisor");

		line[strcspn(line, "\n")] = '\0';
		if (seconds)
			ret->stop_seconds = no_more_than_a_day(strtoul(seconds, NULL, 10));
		if (hypervisor)
			ret->stops_inside = stops_inside(hypervisor);
	}
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
	read_state(path, ret);
	return 0;
}
