/* SPDX-License-Identifier: MIT */
/* text.h: a string that grows. */
#pragma once

#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>

struct text {
	char *at; /* NULL while empty; ended by NUL otherwise */
	size_t length;
	size_t room;
};

void text_add(struct text *t, const char *more);
void text_add_bytes(struct text *t, const char *bytes, size_t n);
void text_addf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* For a line that people read: a byte that is not of a character which can be shown becomes \xNN. */
void text_add_shown(struct text *t, const char *more);
void drop_text(struct text *t);

/* The bytes of the one UTF-8 character (RFC 3629) at S; 0 where there is none, or it is a control
 * character, of which terminals, logs and unit files make something else than text. */
size_t text_shown_length(const char *s);
/* Whether S is made of such characters alone. */
bool text_is_shown(const char *s);
/* Whether S is UTF-8 at least. */
bool text_is_utf8(const char *s);

/* Never NULL, memory that runs out ends the program; free() by the caller. */
char *text_copy(const char *s);
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *text_format_args(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
