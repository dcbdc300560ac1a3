/* SPDX-License-Identifier: MIT */
#include "text.h"

#include "log.h"
#include "owned.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void text_grow(struct text *t, size_t more)
{
	size_t need = t->length + more + 1;

	if (need <= t->room)
		return;
	t->room = need < 256 ? 256 : need * 2;
	t->at = must(realloc(t->at, t->room));
}

void text_add_bytes(struct text *t, const char *bytes, size_t n)
{
	text_grow(t, n);
	memcpy(t->at + t->length, bytes, n);
	t->length += n;
	t->at[t->length] = '\0';
}

void text_add(struct text *t, const char *more)
{
	text_add_bytes(t, more, strlen(more));
}

enum { STRINGS_MOST = 8 };

/* The strings of a format that has nothing but them, and how long all is; -1 for another. */
static int only_strings(const char *format, va_list args, const char *strings[STRINGS_MOST],
			size_t lengths[STRINGS_MOST], size_t *all)
{
	va_list copy;
	int n = 0;

	*all = 0;
	va_copy(copy, args);
	for (; *format && n >= 0; format++) {
		if (*format != '%') {
			++*all;
		} else if (*++format != 's' || n == STRINGS_MOST) {
			n = -1;
		} else {
			strings[n] = va_arg(copy, const char *);
			lengths[n] = strlen(strings[n]);
			*all += lengths[n++];
		}
	}
	va_end(copy);
	return n;
}

/* Most of what is formatted are paths of a few strings, for which stdio does ten times the work. */
static char *join(const char *format, const char *const *strings, const size_t *lengths, size_t all)
{
	char *ret = must(malloc(all + 1)), *to = ret;

	for (; *format; format++) {
		if (*format != '%') {
			*to++ = *format;
			continue;
		}
		to = mempcpy(to, *strings++, *lengths++);
		format++;
	}
	*to = '\0';
	return ret;
}

char *text_format_args(const char *format, va_list args)
{
	const char *strings[STRINGS_MOST];
	size_t lengths[STRINGS_MOST], all;
	char *s;

	if (only_strings(format, args, strings, lengths, &all) >= 0)
		return join(format, strings, lengths, all);
	return must(vasprintf(&s, format, args) < 0 ? NULL : s);
}

void text_addf(struct text *t, const char *format, ...)
{
	OWNED(drop_str) char *s = NULL;
	va_list args;

	va_start(args, format);
	s = text_format_args(format, args);
	va_end(args);
	text_add(t, s);
}

static size_t utf8_length(const unsigned char *s)
{
	size_t n = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;

	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* Nearly all text is this. */
static size_t plain_length(const char *s)
{
	size_t n = 0;

	while (s[n] >= ' ' && s[n] <= '~')
		n++;
	return n;
}

size_t text_shown_length(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	/* C0, DEL, and C1, which UTF-8 writes as 0xc2 0x80 to 0xc2 0x9f; the byte order mark, which
	 * nobody would see. */
	if (*u < ' ' || *u == 0x7f || (*u == 0xc2 && u[1] < 0xa0) ||
	    (*u == 0xef && u[1] == 0xbb && u[2] == 0xbf))
		return 0;
	return utf8_length(u);
}

bool text_is_shown(const char *s)
{
	for (size_t n; *(s += plain_length(s)); s += n) {
		n = text_shown_length(s);
		if (n == 0)
			return false;
	}
	return true;
}

bool text_is_utf8(const char *s)
{
	for (size_t n; *(s += plain_length(s)); s += n) {
		n = utf8_length((const unsigned char *)s);
		if (n == 0)
			return false;
	}
	return true;
}

void text_add_shown(struct text *t, const char *more)
{
	while (*more) {
		size_t n = plain_length(more);

		if (n == 0)
			n = text_shown_length(more);
		if (n > 0)
			text_add_bytes(t, more, n);
		else
			text_addf(t, "\\x%02x", (unsigned char)*more);
		more += n > 0 ? n : 1;
	}
}

void drop_text(struct text *t)
{
	free(t->at);
	*t = (struct text){ 0 };
}

char *text_copy(const char *s)
{
	return must(strdup(s));
}

char *text_format(const char *format, ...)
{
	va_list args;
	char *s;

	va_start(args, format);
	s = text_format_args(format, args);
	va_end(args);
	return s;
}
