/* SPDX-License-Identifier: MIT */
#include "smbios.h"

#include "../common/base64.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* All tables of a machine have 65,535 bytes, and some are not ours. */
enum { STRINGS_LENGTH = 60 << 10 };

static char *folder_of(const struct launch *launch)
{
	return text_format("%s/smbios", launch->dir);
}

char *smbios_file(const struct launch *launch, const struct credential *credential)
{
	OWNED(drop_str) char *folder = folder_of(launch);

	return text_format("%s/%s", folder, credential->section.id);
}

/* In base64, since a string ends at a NUL byte. */
static int encode(const char *path, struct text *ret)
{
	OWNED(drop_file) FILE *f = fopen(path, "re");
	char bytes[3 << 10];
	size_t count;

	if (!f)
		return -errno;
	while ((count = fread(bytes, 1, sizeof(bytes), f)) > 0 && ret->length <= STRINGS_LENGTH)
		base64_add(ret, bytes, count);
	return ferror(f) ? -EIO : 0;
}

static int write_string(const struct launch *launch, const char *path, const struct text *string)
{
	OWNED(drop_str) char *folder = folder_of(launch);
	OWNED(drop_file) FILE *f = NULL;
	int fd;

	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f)
		return -errno;
	return fwrite(string->at, 1, string->length, f) != string->length || fflush(f) != 0 ? -errno : 0;
}

int smbios_write(const struct launch *launch, const struct credential *credential, size_t *used)
{
	const char *name = credential->section.id;
	OWNED(drop_str) char *from = text_format("%s/%s", launch->credentials, name);
	OWNED(drop_str) char *to = smbios_file(launch, credential);
	OWNED(drop_text) struct text string = { 0 };
	int r;

	text_addf(&string, "io.systemd.credential.binary:%s=", name);
	r = encode(from, &string);
	if (r < 0)
		return log_failure(r, "[credential %s] %s", name, from);
	*used += string.length;
	if (*used > STRINGS_LENGTH) {
		log_line(LEVEL_ERROR, "[credential %s] is too large for a name of its length: with all such names, 44 KiB "
			 "reach the guest; shorten the name", name);
		return EXIT_REFUSED;
	}
	r = write_string(launch, to, &string);
	return r < 0 ? log_failure(r, "[credential %s] %s", name, to) : EXIT_DONE;
}
