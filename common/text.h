/* SPDX-License-Identifier: MIT */
/* text.h: a string that grows. */
#pragma once

#include <stddef.h>

struct text {
	char *at; /* NULL while empty; ended by NUL otherwise */
	size_t length;
	size_t room;
};

void text_add(struct text *t, const char *more);
void text_add_bytes(struct text *t, const char *bytes, size_t n);
void text_addf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void drop_text(struct text *t);

/* Never NULL, memory that runs out ends the program; free() by the caller. */
char *text_copy(const char *s);
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
