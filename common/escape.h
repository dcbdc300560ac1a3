/* SPDX-License-Identifier: MIT */
/* escape.h: text that goes into a unit file and arrives unchanged (systemd.syntax(7),
 * systemd.service(5) "Command lines", systemd.unit(5) "Specifiers"). */
#pragma once

#include "text.h"

/* Adds one quoted word for an Exec line that begins with the ':' prefix, which leaves $ literal.
 * Any byte but NUL arrives unchanged. */
void escape_exec_word(struct text *t, const char *word);

/* Adds a value for a setting that is not split into words: % is doubled. The value holds no control
 * byte and no backslash at its end: both would change the line's meaning, so the key table refuses
 * them where such a value comes from. */
void escape_specifiers(struct text *t, const char *value);

/* Adds one word for a setting that is a list of words (names, paths; a ':' in quotes separates nothing):
 * quoted, % doubled. The word is printable UTF-8, as the key table makes sure. */
void escape_list_word(struct text *t, const char *word);

/* Adds one word as a shell reads it back, in quotes where it needs them. */
void escape_shell_word(struct text *t, const char *word);

/* Reads one escape of systemd.syntax(7); *at is on the backslash before and on its last byte after.
 * Returns -EINVAL for an escape that is unknown or gives NUL. */
int unescape_one(const char **at, struct text *t);

/* What stands between '@' and '.service' for a MicroVM's name: itself, for every name that is valid. For
 * one that is not, escaped, so that its error has a unit. free() by the caller. */
char *escape_instance(const char *name);

/* "name" or a path as systemd-escape(1) would write it for a unit's instance; free() by the caller. */
char *escape_unit_name(const char *name);
char *escape_unit_path(const char *path);
