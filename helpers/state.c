/* SPDX-License-Identifier: MIT */
#include "state.h"

#include "../common/owned.h"
#include "../common/text.h"
#include "../config/arguments.h"
#include "../config/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Of a file that its owner can make of any length. */
enum { STATE_LENGTH = 16 << 20 };

char *runtime_dir(const char *name)
{
	const char *dir = getenv("RUNTIME_DIRECTORY");

	/* Several folders are separated by colons (systemd.exec(5)); ours could be any of them. */
	if (dir && *dir == '/' && !strchr(dir, ':'))
		return text_copy(dir);
	return text_format("/run/microvm/%s", name);
}

/* Also what was not set: a default may be another in the version that reads it. */
static void key_write(const struct microvm *vm, const char *name, struct text *ret)
{
	const struct section *s = &vm->section;
	const struct key *key = key_find(s->kind, name);
	OWNED(drop_words) struct words values = { 0 };

	key->type->print(key->type, key_field(key, s), &values);
	for (size_t i = 0; i < values.count; i++)
		text_addf(ret, "%s.%s=%s\n", s->kind->name, name, values.at[i]);
}

/* First what a stop needs, which is found among the first lines (running.c). */
static char *state_text(const struct microvm *vm)
{
	OWNED(drop_str) char *socket = microvm_socket(vm);
	OWNED(drop_words) struct words words = { 0 };
	struct text t = { 0 };

	key_write(vm, "hypervisor", &t);
	key_write(vm, "shutdownTimeout", &t);
	text_addf(&t, "microvm.socket=%s\n", socket ? socket : "");
	arguments_write(vm, FOR_RUN, &words);
	/* Of arguments with a line break inside nobody asks later. */
	for (size_t i = 0; i < words.count; i++)
		if (!strchr(words.at[i], '\n'))
			text_addf(&t, "%s\n", words.at[i]);
	return t.at;
}

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			left -= (size_t)n;
		}
	}
	return 0;
}

static int file_write(const char *dir, const char *name, const char *text)
{
	OWNED(drop_str) char *path = text_format("%s/%s", dir, name);
	OWNED(drop_str) char *fresh = text_format("%s.new", path);
	OWNED(drop_fd) int fd = -1;
	int r;

	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text);
	if (r == 0 && rename(fresh, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(fresh);
	return r;
}

int state_write(const char *dir, const struct microvm *vm)
{
	OWNED(drop_str) char *text = state_text(vm);

	return file_write(dir, "state", text);
}

int state_write_digest(const char *dir, const char *digest)
{
	return file_write(dir, "made", digest);
}

int state_read_digest(const char *dir, uint64_t *ret)
{
	OWNED(drop_str) char *path = text_format("%s/made", dir);
	OWNED(drop_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char text[17] = "", *end;

	if (fd < 0)
		return -errno;
	if (read(fd, text, sizeof(text) - 1) != sizeof(text) - 1)
		return -EINVAL;
	*ret = strtoull(text, &end, 16);
	return *end ? -EINVAL : 0;
}

static int read_lines(FILE *f, struct words *ret)
{
	OWNED(drop_str) char *line = NULL;
	size_t room = 0, all = 0;
	ssize_t n;

	while ((n = getline(&line, &room, f)) >= 0) {
		all += (size_t)n;
		if (all > STATE_LENGTH)
			return -EFBIG;
		if (n > 0 && line[n - 1] == '\n')
			line[n - 1] = '\0';
		words_add(ret, line);
	}
	return ferror(f) ? -EIO : 0;
}

int state_read(const char *dir, struct microvm *vm, struct problems *problems)
{
	OWNED(drop_str) char *path = text_format("%s/state", dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	OWNED(drop_file) FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	OWNED(drop_words) struct words lines = { 0 };
	int r;

	if (!f)
		return -errno;
	r = read_lines(f, &lines);
	return r < 0 ? r : arguments_read(vm, lines.at, problems);
}
