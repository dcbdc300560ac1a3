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
	char *line; /* the one that is read */
	char *next; /* the one behind it; NULL: there is none */
	char *end;  /* of all text */
	struct place place;
	bool asked;    /* libinih has a line of which it must make a key */
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

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void cut_blanks(char *s)
{
	size_t n = strlen(s);

	while (n > 0 && is_blank(s[n - 1]))
		n--;
	s[n] = '\0';
}

static char *behind_blanks(char *s)
{
	while (is_blank(*s))
		s++;
	return s;
}

/* "[volume data]": the name up to the first blank, the ID behind it. */
static void section_open(struct reader *in, char *line)
{
	char *end, *blank;

	free(in->section);
	in->section = text_copy(behind_blanks(line + 1));
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
		in->id = behind_blanks(blank + 1);
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
	for (n = 0; line[n] && line[n] != '=' && line[n] != ':';)
		n++;
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

/* The next line becomes a string. */
static bool line_read(struct reader *in)
{
	char *end;

	if (!in->next || in->next == in->end)
		return false;
	in->line = in->next;
	in->place.line++;
	end = memchr(in->line, '\n', (size_t)(in->end - in->line));
	in->next = end ? end + 1 : NULL;
	if (!end)
		end = in->end;
	*end = '\0';
	if (in->line + strlen(in->line) != end) {
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
	line = behind_blanks(line);
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
	in->handler(in->context, &(struct entry){ in->place, in->section, in->id, name,
						  behind_blanks(in->value) });
	return 1;
}

static bool is_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* Nobody waits at boot for who may one day write into a pipe, or reads a device to its end. Returns the
 * number of bytes or -errno. */
static ssize_t file_read(const char *path, char *buffer, size_t size)
{
	OWNED(drop_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) && !is_null(&st))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	/* A file gives all that it has at once. */
	n = read(fd, buffer, size);
	return n < 0 ? -errno : n;
}

int read_entries(const char *path, const char *shown_as, struct problems *problems,
		 entry_handler *handler, void *context)
{
	/* One for all files: no handler reads another one. A byte tells that there is more. */
	static char text[FILE_LIMIT + 2];
	struct reader in = { .place.file = shown_as, .problems = problems, .handler = handler,
			     .context = context };
	ssize_t n = file_read(path, text, FILE_LIMIT + 1);
	int r;

	if (n < 0)
		return (int)n;
	if (n > FILE_LIMIT)
		return -EFBIG;
	in.next = text;
	in.end = text + n;
	/* A positive result is the first bad line, which next_line() has told already, as all others;
	 * a negative one is memory that ran out. */
	r = ini_parse_stream(next_line, &in, key_found, &in);
	free(in.section);
	return r < 0 ? -ENOMEM : 0;
}
