/* SPDX-License-Identifier: MIT */
/* words.h: a list of strings that grows, always ended by NULL, so that it is an argv at any time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct words {
	char **at; /* NULL while empty; at[count] is NULL otherwise */
	size_t count;
	size_t room;
};

/* Memory that runs out ends the program: nothing here could go on without it, and a generator or
 * helper that dies is told by systemd. */
void words_add(struct words *w, const char *text);
void words_addf(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void words_take(struct words *w, char *text); /* text is owned from now on */
void words_take_once(struct words *w, char *text); /* the same, and not if it is there already */
void words_add_all(struct words *w, const struct words *more);
void words_clear(struct words *w);
bool words_have(const struct words *w, const char *text);
void words_sort(struct words *w);
bool words_find(const struct words *sorted, const char *text);

/* Splits as systemd splits an ExecStart= line: blanks separate, ' and " quote, backslash escapes
 * (systemd.service(5), "Command lines"; systemd.syntax(7), "Quoting"). Specifiers and variables are
 * not touched. Returns 0, or -EINVAL for an open quote, an unknown escape, or a NUL byte; words
 * already split stay in w. */
int words_split(struct words *w, const char *text);

void drop_words(struct words *w);
