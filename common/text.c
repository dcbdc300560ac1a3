/* SPDX-License-Identifier: MIT */
#include "text.h"

#include "log.h"

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

void text_addf(struct text *t, const char *format, ...)
{
	va_list args;
	char *s;
	int n;

	va_start(args, format);
	n = vasprintf(&s, format, args);
	va_end(args);
	must(n < 0 ? NULL : s);
	text_add_bytes(t, s, (size_t)n);
	free(s);
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
	int n;

	va_start(args, format);
	n = vasprintf(&s, format, args);
	va_end(args);
	return must(n < 0 ? NULL : s);
}
