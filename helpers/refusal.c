/* SPDX-License-Identifier: MIT */
#include "refusal.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* As sources.c has them, whose reading of files is not for a helper. */
static const char *const folders[] = {
	"/etc/microvm",
	"/run/microvm",
	"/usr/local/lib/microvm",
	"/usr/lib/microvm",
};

static bool is_masked(const char *path)
{
	char target[sizeof("/dev/null")] = "";

	return readlink(path, target, sizeof(target)) == sizeof(target) - 1 &&
	       memcmp(target, "/dev/null", sizeof(target) - 1) == 0;
}

/* The file that would be read for the name; free() by the caller. */
static char *find_conf(const char *name)
{
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		OWNED(drop_str) char *path = text_format("%s/%s.conf", folders[i], name);

		if (access(path, F_OK) == 0)
			return MOVE(path);
	}
	return NULL;
}

int refuse_not_configured(const char *name)
{
	OWNED(drop_str) char *path = find_conf(name);

	if (!path)
		log_line(LEVEL_ERROR,
			 "no MicroVM '%s' is configured: there is no /etc/microvm/%s.conf", name,
			 name);
	else if (is_masked(path))
		log_line(LEVEL_ERROR, "the MicroVM '%s' is masked: %s is a link to /dev/null", name,
			 path);
	else
		log_line(LEVEL_ERROR, "systemd has not read %s yet; run: systemctl daemon-reload",
			 path);
	return EXIT_NOT_CONFIGURED;
}

int refuse_broken(char **lines)
{
	for (; *lines; lines++)
		log_line(LEVEL_ERROR, "%s", *lines);
	return EXIT_NOT_CONFIGURED;
}
