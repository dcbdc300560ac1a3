/* SPDX-License-Identifier: MIT */
#include "link.h"

#include "text.h"

#include <limits.h>
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
