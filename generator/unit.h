/* SPDX-License-Identifier: MIT */
/* unit.h: typed writers for unit files. A file is made in memory and written whole; user text reaches it
 * only through these, never as a raw %s. */
#pragma once

#include "../common/text.h"
#include "../common/words.h"

/* The head of a drop-in, up to its [Unit] section, with the file that it was made of (NULL: none). */
void unit_begin(struct text *u, const char *source);
/* "\n[Service]" */
void unit_section(struct text *u, const char *name);
/* A value that is a constant of ours, or a name that needs no escape. */
void unit_set(struct text *u, const char *key, const char *value);
void unit_setf(struct text *u, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Text of a user: % doubled. */
void unit_text(struct text *u, const char *key, const char *value);
/* Words of a user for a setting that is a list of words. */
void unit_words(struct text *u, const char *key, const struct words *values);
/* A path for BindPaths= or BindReadOnlyPaths=. */
void unit_bind(struct text *u, const char *key, const char *path);
/* The same of a path that may be missing, without what is mounted below it, read-only, at another place, a
 * constant of ours. */
void unit_bind_one(struct text *u, const char *path, const char *at);
/* DeviceAllow= of a node; systemd follows links when it starts the unit. */
void unit_device(struct text *u, const char *path, const char *access);
/* Names of units, each already what systemd calls it. */
void unit_names(struct text *u, const char *key, const struct words *names);
/* KEY=PREFIX:PROGRAM "word" …, a word a line, so that systemctl cat can be read. */
void unit_exec(struct text *u, const char *key, const char *prefix, const char *program,
	       const struct words *words);
