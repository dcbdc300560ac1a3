/* SPDX-License-Identifier: MIT */
#include "made-folders.h"

#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* No MicroVM has a name like this. */
#define NOTES "/var/lib/microvms/.made-folders"

/* In a note: "UID INODE BIRTH PATH", ended by NUL, as paths may hold anything else. A device has no number that outlives a
 * boot; the birth is 0 on file systems that do not tell it. */
static char *note_of(const char *path, const struct statx *st, uid_t owner)
{
	uint64_t birth = st->stx_mask & STATX_BTIME ?
				 (uint64_t)st->stx_btime.tv_sec * 1000000000 + st->stx_btime.tv_nsec : 0;

	return text_format("%u %" PRIu64 " %" PRIu64 " %s", owner, (uint64_t)st->stx_ino, birth, path);
}

static const char *path_of(const char *note)
{
	for (int i = 0; note && i < 3; i++)
		note = strchr(note, ' ') ? strchr(note, ' ') + 1 : NULL;
	return note ? note : "";
}

static int look(int folder, struct statx *ret)
{
	return statx(folder, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, ret) < 0 ? -errno : 0;
}

/* All notes of a MicroVM, one after the other; empty where there are none. */
static int read_notes(const char *microvm, struct text *ret)
{
	OWNED(drop_str) char *path = text_format(NOTES "/%s", microvm);
	OWNED(drop_file) FILE *f = fopen(path, "re");
	char bytes[4096];
	size_t n;

	if (!f)
		return errno == ENOENT ? 0 : -errno;
	while ((n = fread(bytes, 1, sizeof(bytes), f)) > 0)
		text_add_bytes(ret, bytes, n);
	return ferror(f) ? -EIO : 0;
}

/* Whole or not at all. */
static int write_notes(const char *microvm, const struct text *notes)
{
	OWNED(drop_str) char *path = text_format(NOTES "/%s", microvm);
	OWNED(drop_str) char *draft = text_format("%s~", path);
	OWNED(drop_file) FILE *f = NULL;

	if (mkdir(NOTES, 0700) < 0 && errno != EEXIST)
		return -errno;
	f = fopen(draft, "we");
	if (!f || fwrite(notes->at, 1, notes->length, f) != notes->length || fflush(f) != 0 ||
	    fsync(fileno(f)) < 0 || rename(draft, path) < 0)
		return -errno;
	return 0;
}

static const char *next_note(const struct text *notes, const char *note)
{
	note = note ? note + strlen(note) + 1 : notes->at;
	return note && note < notes->at + notes->length ? note : NULL;
}

bool made_folders_have(const char *microvm, const char *path, int folder, uid_t owner)
{
	OWNED(drop_text) struct text notes = { 0 };
	OWNED(drop_str) char *wanted = NULL;
	const char *note = NULL;
	struct statx st;

	if (look(folder, &st) < 0 || read_notes(microvm, &notes) < 0)
		return false;
	wanted = note_of(path, &st, owner);
	while ((note = next_note(&notes, note)))
		if (strcmp(note, wanted) == 0)
			return true;
	return false;
}

int made_folders_note(const char *microvm, const char *path, int folder, uid_t from, uid_t to)
{
	OWNED(drop_text) struct text notes = { 0 }, now = { 0 };
	OWNED(drop_str) char *first = NULL, *second = NULL;
	const char *note = NULL;
	struct statx st;
	int r = look(folder, &st);

	if (r == 0)
		r = read_notes(microvm, &notes);
	if (r < 0)
		return r;
	while ((note = next_note(&notes, note)))
		if (strcmp(path_of(note), path) != 0)
			text_add_bytes(&now, note, strlen(note) + 1);
	first = note_of(path, &st, from);
	second = note_of(path, &st, to);
	text_add_bytes(&now, first, strlen(first) + 1);
	if (from != to)
		text_add_bytes(&now, second, strlen(second) + 1);
	return write_notes(microvm, &now);
}
