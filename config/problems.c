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

static void line_add(struct words *lines, const struct spot *spot, const char *format, va_list args)
{
	struct text line = { 0 };
	char *what;

	must(vasprintf(&what, format, args) < 0 ? NULL : what);
	if (spot->place.file)
		text_add(&line, spot->place.file);
	if (spot->place.line > 0)
		text_addf(&line, ":%u", spot->place.line);
	if (spot->place.file)
		text_add(&line, ": ");
	if (spot->section)
		text_addf(&line, spot->section->id ? "[%s %s] " : "[%s] ",
			  spot->section->kind->name, spot->section->id);
	if (spot->key)
		text_addf(&line, "%s: ", spot->key->name);
	text_add(&line, what);
	free(what);
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
