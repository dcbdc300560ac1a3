/* SPDX-License-Identifier: MIT */
#include "taken.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static void take(const char *path)
{
	OWNED(drop_fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		log_line(LEVEL_WARNING, "%s: what was prepared is of an earlier run, which microvm-renew@.service "
					"should have seen; a restart of the MicroVM prepares it anew", path);
	/* Of a runner package it may not be needed. */
	else if (fd < 0 && errno != ENOENT)
		log_line(LEVEL_WARNING, "%s: cannot be marked as taken, so that a start that comes too soon after "
					"this run would use it again: %s", path, strerror(errno));
}

void prepared_take(void)
{
	const char *told = getenv("MICROVM_TAKES");
	OWNED(drop_str) char *paths = text_copy(told ? told : "");
	char *rest = paths;

	for (char *path = strsep(&rest, ":"); path && *path; path = strsep(&rest, ":"))
		take(path);
	(void)unsetenv("MICROVM_TAKES");
}
