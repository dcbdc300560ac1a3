/* SPDX-License-Identifier: MIT */
#include "problems.h"

#include "keys.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest text of one problem: with its place it fits into one record of the kernel's log. */
enum { LONGEST = 500, TAIL = 200 };

/* A value can be as long as a line, and what would be right stands at the end: the middle is left out. */
static void add_shortened(struct text *line, const char *what)
{
	size_t n = strlen(what), head = LONGEST - TAIL, tail = n - TAIL;

	if (n <= LONGEST) {
		text_add(line, what);
		return;
	}
	/* Not within a character. */
	while ((what[head] & 0xc0) == 0x80)
		head--;
	while ((what[tail] & 0xc0) == 0x80)
		tail++;
	text_add_bytes(line, what, head);
	text_add(line, " […] ");
	text_add(line, what + tail);
}

static void line_add(struct words *lines, const struct spot *spot, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

static void line_add(struct words *lines, const struct spot *spot, const char *format, va_list args)
{
	OWNED(drop_str) char *what = text_format_args(format, args);
	OWNED(drop_text) struct text shown = { 0 };
	struct text line = { 0 };

	text_add(&shown, "");
	text_add_shown(&shown, what);
	if (spot->place.file)
		text_add_shown(&line, spot->place.file);
	if (spot->place.line > 0)
		text_addf(&line, ":%u", spot->place.line);
	if (spot->place.file)
		text_add(&line, ": ");
	if (spot->section)
		text_addf(&line, spot->section->id ? "[%s %s] " : "[%s] ",
			  spot->section->kind->name, spot->section->id);
	if (spot->key)
		text_addf(&line, "%s: ", spot->key->name);
	add_shortened(&line, shown.at);
	words_take(lines, line.at);
}

int problem(const struct spot *spot, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	line_add(&spot->problems->errors, spot, format, args);
	va_end(args);
	return -EINVAL;
}

void warning(const struct spot *spot, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	line_add(&spot->problems->warnings, spot, format, args);
	va_end(args);
}

static struct spot spot_in(struct problems *p, const struct section *s, const char *key)
{
	struct spot spot = { .problems = p, .section = s, .place = s->place };

	if (!key)
		return spot;
	spot.key = must(key_find(s->kind, key));
	if (key_place(spot.key, s)->file)
		spot.place = *key_place(spot.key, s);
	return spot;
}

int problem_in(struct problems *p, const struct section *s, const char *key, const char *format, ...)
{
	struct spot spot = spot_in(p, s, key);
	va_list args;

	va_start(args, format);
	line_add(&p->errors, &spot, format, args);
	va_end(args);
	return -EINVAL;
}

void warning_in(struct problems *p, const struct section *s, const char *key, const char *format,
		...)
{
	struct spot spot = spot_in(p, s, key);
	va_list args;

	va_start(args, format);
	line_add(&p->warnings, &spot, format, args);
	va_end(args);
}

void drop_problems(struct problems *p)
{
	drop_words(&p->errors);
	drop_words(&p->warnings);
}
