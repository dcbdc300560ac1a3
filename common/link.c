/* SPDX-License-Identifier: MIT */
#include "link.h"

#include "owned.h"
#include "text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

char *link_end(const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	const char *slash;

	if (n < 0)
		return NULL;
	target[n] = '\0';
	slash = strrchr(target, '/');
	return text_copy(slash ? slash + 1 : target);
}

int link_set(int folder, const char *name, const char *target)
{
	OWNED(drop_str) char *fresh = text_format(".%s.new", name);

	if (unlinkat(folder, fresh, 0) < 0 && errno != ENOENT)
		return -errno;
	if (symlinkat(target, folder, fresh) < 0)
		return -errno;
	return renameat(folder, fresh, folder, name) < 0 ? -errno : 0;
}
