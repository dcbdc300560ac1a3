/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "../common/escape.h"
#include "../common/owned.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void unit_begin(struct text *u, const char *source)
{
	OWNED(drop_str) char *here = NULL;
	OWNED(drop_str) char *absolute = NULL;

	text_add(u, "# Made by microvm-generator");
	if (source) {
		here = *source == '/' ? NULL : getcwd(NULL, 0);
		absolute = here ? text_format("%s/%s", here, source) : text_copy(source);
		text_add(u, " from ");
		text_add_shown(u, absolute);
		text_add(u, "; edit that file instead");
	}
	text_add(u, ".\n[Unit]\n");
	/* A name that no line can hold has been refused; the error tells it. */
	if (absolute && text_is_shown(absolute))
		unit_text(u, "SourcePath", absolute);
}

void unit_section(struct text *u, const char *name)
{
	text_add(u, "\n[");
	text_add(u, name);
	text_add(u, "]\n");
}

static void assign(struct text *u, const char *key)
{
	text_add(u, key);
	text_add(u, "=");
}

void unit_set(struct text *u, const char *key, const char *value)
{
	assign(u, key);
	text_add(u, value);
	text_add(u, "\n");
}

void unit_setf(struct text *u, const char *key, const char *format, ...)
{
	char value[256];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	unit_set(u, key, value);
}

void unit_text(struct text *u, const char *key, const char *value)
{
	assign(u, key);
	escape_specifiers(u, value);
	text_add(u, "\n");
}

void unit_words(struct text *u, const char *key, const struct words *values)
{
	if (values->count == 0)
		return;
	assign(u, key);
	for (size_t i = 0; i < values->count; i++) {
		text_add(u, i ? " " : "");
		escape_list_word(u, values->at[i]);
	}
	text_add(u, "\n");
}

void unit_bind(struct text *u, const char *key, const char *path)
{
	assign(u, key);
	escape_list_word(u, path);
	text_add(u, "\n");
}

void unit_bind_one(struct text *u, const char *path, const char *at)
{
	OWNED(drop_str) char *optional = text_format("-%s", path);

	assign(u, "BindReadOnlyPaths");
	escape_list_word(u, optional);
	text_addf(u, ":%s:norbind\n", at);
}

void unit_device(struct text *u, const char *path, const char *access)
{
	assign(u, "DeviceAllow");
	escape_list_word(u, path);
	text_addf(u, " %s\n", access);
}

void unit_names(struct text *u, const char *key, const struct words *names)
{
	if (names->count == 0)
		return;
	assign(u, key);
	for (size_t i = 0; i < names->count; i++) {
		text_add(u, i ? " " : "");
		text_add(u, names->at[i]);
	}
	text_add(u, "\n");
}

void unit_exec(struct text *u, const char *key, const char *prefix, const char *program,
	       const struct words *words)
{
	assign(u, key);
	text_add(u, prefix);
	text_add(u, ":");
	text_add(u, program);
	for (size_t i = 0; i < words->count; i++) {
		text_add(u, " \\\n  ");
		escape_exec_word(u, words->at[i]);
	}
	text_add(u, "\n");
}
