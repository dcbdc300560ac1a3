/* SPDX-License-Identifier: MIT */
#include "reader.h"

#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const char *const blanks = " \t\r\n\v\f";

/* Bytes of a file. What is longer does not reach the hypervisor: each byte can become four in a unit,
 * of which systemd reads lines of 1 MiB, and the kernel takes arguments of 128 KiB. */
enum { FILE_LIMIT = 120 * 1024 };

struct reader {
	FILE *file;
	char *line; /* of getline() */
	size_t room;
	struct place place;
	bool asked;    /* libinih has a line of which it must make a key */
	int error;     /* of reading, -errno */
	char *section; /* "volume data", owned */
	char *id;      /* within section; NULL: none */
	char *value;   /* within line */
	struct problems *problems;
	entry_handler *handler;
	void *context;
};

static void reader_problem(const struct reader *in, const char *what)
{
	struct spot spot = { .problems = in->problems, .place = in->place };

	problem(&spot, "%s", what);
}

static void cut_blanks(char *s)
{
	size_t n = strlen(s);

	while (n > 0 && strchr(blanks, s[n - 1]))
		n--;
	s[n] = '\0';
}

/* "[volume data]": the name up to the first blank, the ID behind it. */
static void section_open(struct reader *in, const char *line)
{
	char *end, *blank;

	free(in->section);
	in->section = text_copy(line + 1 + strspn(line + 1, blanks));
	in->id = NULL;
	end = strrchr(in->section, ']');
	if (!end || end[1]) {
		/* What follows belongs to no section that could be named: it is passed over, the
		 * file is refused anyway. */
		reader_problem(in, "a section line must end with ']'");
		*in->section = '\0';
		return;
	}
	*end = '\0';
	cut_blanks(in->section);
	blank = strpbrk(in->section, blanks);
	if (blank) {
		*blank = '\0';
		in->id = blank + 1 + strspn(blank + 1, blanks);
	}
	in->handler(in->context, &(struct entry){ in->place, in->section, in->id, NULL, NULL });
}

/* What libinih is shown of a line: a section as such, of a key the name and a '='. It keeps 49 bytes of
 * a name, which is longer than any key. */
static char *line_for_ini(struct reader *in, char *line, char *buffer, int size)
{
	size_t n;

	in->asked = false;
	if (*line == '[') {
		section_open(in, line);
		return strcpy(buffer, "[s]\n");
	}
	if (!*line || *line == '#' || *line == ';')
		return strcpy(buffer, "\n");
	in->asked = true;
	n = strcspn(line, "=:");
	/* libinih takes a ':' as well; here it is a mistake, so that no key has two spellings. */
	in->value = line[n] == '=' ? line + n + 1 : NULL;
	if (n > 48)
		n = 48;
	if (n + 3 > (size_t)size)
		n = (size_t)size - 3;
	memcpy(buffer, line, n);
	strcpy(buffer + n, in->value ? "=\n" : "\n");
	return buffer;
}

static bool line_read(struct reader *in)
{
	ssize_t n = getline(&in->line, &in->room, in->file);

	if (n < 0) {
		/* Memory that runs out does not set the stream's error flag. */
		in->error = feof(in->file) ? 0 : -errno;
		return false;
	}
	in->place.line++;
	if (strlen(in->line) != (size_t)n) {
		reader_problem(in, "the line holds a NUL byte; is this a text file?");
		*in->line = '\0';
	}
	return true;
}

/* ini_reader: called for the next line when libinih is done with the one before. */
static char *next_line(char *buffer, int size, void *stream)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	struct reader *in = stream;
	char *line;

	if (in->asked)
		reader_problem(in, "not a comment, a [section] or a 'key = value' line");
	in->asked = false;
	if (!line_read(in))
		return NULL;
	line = in->line;
	if (in->place.line == 1 && strncmp(line, byte_order_mark, 3) == 0)
		line += 3;
	/* An indented line would continue the value before it for libinih; here it is a line. */
	line += strspn(line, blanks);
	cut_blanks(line);
	return line_for_ini(in, line, buffer, size);
}

static int key_found(void *user, const char *section, const char *name, const char *value)
{
	struct reader *in = user;

	(void)section;
	(void)value;
	/* Newer builds of libinih report section lines as well. */
	if (!name || !in->asked || !in->value)
		return 1;
	in->asked = false;
	if (!in->section) {
		reader_problem(in, "a key before the first section; begin with [microvm]");
		return 1;
	}
	if (!*in->section)
		return 1;
	if (!*name) {
		reader_problem(in, "a key is missing before the '='");
		return 1;
	}
	in->value += strspn(in->value, blanks);
	in->handler(in->context,
		    &(struct entry){ in->place, in->section, in->id, name, in->value });
	return 1;
}

static bool is_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* Nobody waits at boot for who may one day write into a pipe, or reads a device to its end. */
static int file_open(const char *path, FILE **ret)
{
	OWNED(drop_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) && !is_null(&st))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	if (st.st_size > FILE_LIMIT)
		return -EFBIG;
	*ret = fdopen(fd, "r");
	if (!*ret)
		return -errno;
	(void)MOVE_FD(fd);
	return 0;
}

int read_entries(const char *path, const char *shown_as, struct problems *problems,
		 entry_handler *handler, void *context)
{
	OWNED(drop_file) FILE *file = NULL;
	struct reader in = { .place.file = shown_as, .problems = problems, .handler = handler,
			     .context = context };
	int r = file_open(path, &file);

	if (r < 0)
		return r;
	in.file = file;
	/* A positive result is the first bad line, which next_line() has told already, as all others;
	 * a negative one is memory that ran out. */
	if (ini_parse_stream(next_line, &in, key_found, &in) < 0)
		in.error = -ENOMEM;
	free(in.line);
	free(in.section);
	return in.error;
}
