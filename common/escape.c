/* SPDX-License-Identifier: MIT */
#include "escape.h"

#include "log.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void escape_byte(struct text *t, unsigned char c)
{
	if (c < ' ' || c == 0x7f || c >= 0x80)
		/* High bytes too: a line that is not UTF-8 is dropped whole by systemd. */
		text_addf(t, "\\x%02x", c);
	else if (c == '"' || c == '\\')
		text_add_bytes(t, (char[]){ '\\', (char)c }, 2);
	else if (c == '%')
		text_add_bytes(t, "%%", 2);
	else
		text_add_bytes(t, (char[]){ (char)c }, 1);
}

/* Bytes that mean themselves between quotes. */
static bool is_harmless(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '+' && c <= ';') || c == ' ' ||
	       c == '=' || c == '@' || c == '_';
}

/* A quoted word; what needs an escape is left to the caller's function. */
static void escape_quoted(struct text *t, const char *word,
			  void (*escape)(struct text *t, unsigned char c))
{
	text_add_bytes(t, "\"", 1);
	while (*word) {
		/* Runs of harmless bytes in one go: most words are nothing else. */
		size_t n = 0;

		while (is_harmless((unsigned char)word[n]))
			n++;
		text_add_bytes(t, word, n);
		word += n;
		if (*word)
			escape(t, (unsigned char)*word++);
	}
	text_add_bytes(t, "\"", 1);
}

void escape_exec_word(struct text *t, const char *word)
{
	escape_quoted(t, word, escape_byte);
}

/* Settings that are lists know no \xNN: a backslash only takes the meaning from what follows. */
static void escape_byte_plainly(struct text *t, unsigned char c)
{
	if (c == '"' || c == '\\' || c == '%')
		escape_byte(t, c);
	else
		text_add_bytes(t, (char[]){ (char)c }, 1);
}

void escape_list_word(struct text *t, const char *word)
{
	escape_quoted(t, word, escape_byte_plainly);
}

void escape_specifiers(struct text *t, const char *value)
{
	for (const char *percent; (percent = strchr(value, '%')); value = percent + 1) {
		text_add_bytes(t, value, (size_t)(percent + 1 - value));
		text_add_bytes(t, "%", 1);
	}
	text_add(t, value);
}

/* The value of n digits of a base, or -1. */
static long digits(const char *s, size_t n, int base)
{
	char copy[9] = { 0 };
	char *end;
	long value;

	for (size_t i = 0; i < n; i++) {
		if (!isxdigit((unsigned char)s[i]))
			return -1;
		copy[i] = s[i];
	}
	value = strtol(copy, &end, base);
	return *end ? -1 : value;
}

static void text_add_utf8(struct text *t, unsigned long c)
{
	if (c < 0x80)
		text_addf(t, "%c", (int)c);
	else if (c < 0x800)
		text_addf(t, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 0x3f)));
	else if (c < 0x10000)
		text_addf(t, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 0x3f)),
			  (int)(0x80 | (c & 0x3f)));
	else
		text_addf(t, "%c%c%c%c", (int)(0xf0 | c >> 18), (int)(0x80 | (c >> 12 & 0x3f)),
			  (int)(0x80 | (c >> 6 & 0x3f)), (int)(0x80 | (c & 0x3f)));
}

/* \xHH, \NNN, \uHHHH, \UHHHHHHHH */
static int unescape_number(const char **at, struct text *t)
{
	const char *p = *at + 1;
	bool octal = *p >= '0' && *p <= '3';
	size_t n = octal ? 3 : *p == 'x' ? 2 : *p == 'u' ? 4 : 8;
	long value = digits(octal ? p : p + 1, n, octal ? 8 : 16);

	/* Above U+10FFFF and between U+D800 and U+DFFF there are no characters. */
	if (value <= 0 || (n == 8 && value > 0x10ffff) || (n >= 4 && value >= 0xd800 && value <= 0xdfff))
		return -EINVAL;
	if (octal || *p == 'x')
		text_add_bytes(t, (char[]){ (char)value }, 1);
	else
		text_add_utf8(t, (unsigned long)value);
	*at = octal ? p + 2 : p + n;
	return 0;
}

int unescape_one(const char **at, struct text *t)
{
	static const char from[] = "abfnrtvs\\\"'", to[] = "\a\b\f\n\r\t\v \\\"'";
	const char *p = *at + 1, *found = *p ? strchr(from, *p) : NULL;

	if (found) {
		text_add_bytes(t, &to[found - from], 1);
		*at = p;
		return 0;
	}
	if (*p == 'x' || *p == 'u' || *p == 'U' || (*p >= '0' && *p <= '3'))
		return unescape_number(at, t);
	return -EINVAL;
}

char *escape_unit_name(const char *name)
{
	struct text t = { 0 };

	text_add(&t, "");
	for (const char *p = name; *p; p++) {
		if (*p == '/')
			text_add(&t, "-");
		else if (isalnum((unsigned char)*p) || *p == ':' || *p == '_' || (*p == '.' && p != name))
			text_add_bytes(&t, p, 1);
		else
			text_addf(&t, "\\x%02x", (unsigned char)*p);
	}
	return t.at;
}

/* '-' stays what it is: instances are names, not paths, and web-1 is to be microvm@web-1. */
static bool is_plain_in_instance(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= ':') || c == '-' || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c == '.';
}

char *escape_instance(const char *name)
{
	struct text t = { 0 };

	text_add(&t, "");
	while (*name) {
		size_t n = 0;

		while (is_plain_in_instance((unsigned char)name[n]))
			n++;
		text_add_bytes(&t, name, n);
		name += n;
		if (*name)
			text_addf(&t, "\\x%02x", (unsigned char)*name++);
	}
	return t.at;
}

char *escape_unit_path(const char *path)
{
	struct text simple = { 0 };
	char *ret;

	text_add(&simple, "");
	while (*path) {
		size_t n;

		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (n == 0 || (n == 1 && *path == '.')) {
			path += n;
			continue;
		}
		if (simple.length > 0)
			text_add(&simple, "/");
		text_add_bytes(&simple, path, n);
		path += n;
	}
	ret = simple.length > 0 ? escape_unit_name(simple.at) : text_copy("-");
	drop_text(&simple);
	return ret;
}

void escape_shell_word(struct text *t, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "%+,-./:=@_";

	if (*word && !word[strspn(word, plain)]) {
		text_add(t, word);
		return;
	}
	text_add(t, "'");
	for (size_t n; *word; word += n + (word[n] == '\'')) {
		n = strcspn(word, "'");
		text_add_bytes(t, word, n);
		text_add(t, word[n] ? "'\\''" : "");
	}
	text_add(t, "'");
}
