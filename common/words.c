/* SPDX-License-Identifier: MIT */
#include "words.h"

#include "escape.h"
#include "log.h"
#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void words_take(struct words *w, char *text)
{
	if (w->count + 1 >= w->room) {
		w->room = w->room ? w->room * 2 : 8;
		w->at = must(reallocarray(w->at, w->room, sizeof(*w->at)));
	}
	w->at[w->count++] = text;
	w->at[w->count] = NULL;
}

void words_add(struct words *w, const char *text)
{
	words_take(w, text_copy(text));
}

void words_addf(struct words *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	words_take(w, text_format_args(format, args));
	va_end(args);
}

void words_add_all(struct words *w, const struct words *more)
{
	for (size_t i = 0; i < more->count; i++)
		words_add(w, more->at[i]);
}

void words_clear(struct words *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->at[i]);
	w->count = 0;
	if (w->at)
		w->at[0] = NULL;
}

void words_take_once(struct words *w, char *text)
{
	if (words_have(w, text))
		free(text);
	else
		words_take(w, text);
}

bool words_have(const struct words *w, const char *text)
{
	for (size_t i = 0; i < w->count; i++)
		if (strcmp(w->at[i], text) == 0)
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void words_sort(struct words *w)
{
	if (w->count > 1)
		qsort(w->at, w->count, sizeof(*w->at), compare);
}

bool words_find(const struct words *sorted, const char *text)
{
	return sorted->count > 0 && bsearch(&text, sorted->at, sorted->count, sizeof(*sorted->at), compare);
}

static const char *const blanks = " \t\n\r";

/* Bytes that mean themselves, in or out of quotes. */
static size_t plain_length(const char *s)
{
	size_t n = 0;

	while ((unsigned char)s[n] > ' ' && s[n] != '\\' && s[n] != '"' && s[n] != '\'')
		n++;
	return n;
}

/* One word, from its first byte to behind its last; *ret is set on success only. */
static int word_next(const char **at, char **ret)
{
	struct text word = { 0 };
	const char *p = *at;
	char quote = '\0';
	int r = 0;

	text_add(&word, "");
	for (;; p++) {
		size_t n = plain_length(p);

		text_add_bytes(&word, p, n);
		p += n;
		if (r < 0 || !*p || (!quote && strchr(blanks, *p)))
			break;
		if (*p == '\\')
			r = unescape_one(&p, &word);
		else if (quote && *p == quote)
			quote = '\0';
		else if (!quote && (*p == '"' || *p == '\''))
			quote = *p;
		else
			text_add_bytes(&word, p, 1);
	}
	if (r < 0 || quote) {
		drop_text(&word);
		return -EINVAL;
	}
	*at = p;
	*ret = word.at;
	return 0;
}

int words_split(struct words *w, const char *text)
{
	for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
		char *word;
		int r = word_next(&text, &word);

		if (r < 0)
			return r;
		words_take(w, word);
	}
	return 0;
}

void drop_words(struct words *w)
{
	words_clear(w);
	free(w->at);
	*w = (struct words){ 0 };
}
