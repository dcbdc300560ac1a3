/* SPDX-License-Identifier: MIT */
/* Any words into a unit, and back by rules written down a second time here: those of
 * systemd.syntax(7), systemd.service(5) and systemd.unit(5), as systemd 252 and 257 have them. */
#include "common/escape.h"
#include "common/owned.h"
#include "common/text.h"
#include "generator/unit.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define insist(good)                                                                               \
	do {                                                                                       \
		if (!(good)) {                                                                     \
			(void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #good);           \
			__builtin_trap();                                                          \
		}                                                                                  \
	} while (0)

/* The value of the only assignment in a file, its continued lines joined as config_parse() does it.
 */
static char *value_of(const char *unit, const char *key)
{
	struct text value = { 0 };

	insist(strncmp(unit, key, strlen(key)) == 0 && unit[strlen(key)] == '=');
	text_add(&value, "");
	for (const char *line = unit + strlen(key) + 1; *line;) {
		size_t n = strcspn(line, "\n");

		insist(line[n] == '\n');
		if (n == 0 || line[n - 1] != '\\') {
			text_add_bytes(&value, line, n);
			insist(line[n + 1] == '\0');
			break;
		}
		text_add_bytes(&value, line, n - 1);
		text_add(&value, " ");
		line += n + 1;
	}
	return value.at;
}

static int hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10;
}

/* One word, unquoted, with the escapes of commands or those of lists; NULL at the end. */
static char *word_next(const char **at, bool command)
{
	struct text word = { 0 };
	const char *p = *at + strspn(*at, " ");

	if (!*p)
		return NULL;
	insist(*p == '"');
	text_add(&word, "");
	for (p++; *p != '"'; p++) {
		char c = *p;

		insist(c);
		if (c == '\\' && command && p[1] == 'x') {
			insist(isxdigit((unsigned char)p[2]) && isxdigit((unsigned char)p[3]));
			c = (char)(hex(p[2]) * 16 + hex(p[3]));
			insist(c);
			p += 3;
		} else if (c == '\\') {
			c = *++p;
			insist(c == '"' || c == '\\');
		} else if (c == '%') {
			insist(p[1] == '%');
			p++;
		}
		text_add_bytes(&word, &c, 1);
	}
	insist(p[1] == ' ' || !p[1]);
	*at = p + 1;
	return word.at;
}

static void check_words(const char *line, const struct words *words, bool command)
{
	for (size_t i = 0; i < words->count; i++) {
		OWNED(drop_str) char *word = word_next(&line, command);

		insist(word && strcmp(word, words->at[i]) == 0);
	}
	insist(!*(line + strspn(line, " ")));
}

static void check_command(const struct words *words)
{
	OWNED(drop_text) struct text u = { 0 };
	OWNED(drop_str) char *value = NULL;
	static const char program[] = "!:/usr/lib/microvm/helper";

	unit_exec(&u, "ExecStart", "!", "/usr/lib/microvm/helper", words);
	for (const char *s = u.at; *s; s++)
		insist((*s >= ' ' && *s <= '~') || *s == '\n');
	value = value_of(u.at, "ExecStart");
	insist(strncmp(value, program, strlen(program)) == 0);
	check_words(value + strlen(program), words, true);
}

static void check_list(const struct words *words)
{
	OWNED(drop_words) struct words shown = { 0 };
	OWNED(drop_text) struct text u = { 0 };
	OWNED(drop_str) char *value = NULL;

	for (size_t i = 0; i < words->count; i++)
		if (text_is_shown(words->at[i]))
			words_add(&shown, words->at[i]);
	unit_words(&u, "RequiresMountsFor", &shown);
	if (shown.count == 0) {
		insist(!u.at);
		return;
	}
	value = value_of(u.at, "RequiresMountsFor");
	check_words(value, &shown, false);
}

static void check_text(const char *text)
{
	OWNED(drop_text) struct text u = { 0 }, back = { 0 };
	OWNED(drop_str) char *value = NULL;

	if (!text_is_shown(text) || (*text && text[strlen(text) - 1] == '\\'))
		return;
	unit_text(&u, "Description", text);
	value = value_of(u.at, "Description");
	text_add(&back, "");
	for (const char *p = value; *p; p++) {
		text_add_bytes(&back, p, 1);
		insist(*p != '%' || *++p == '%');
	}
	insist(strcmp(back.at, text) == 0);
}

/* Names of units hold a few letters only, and are taken back by systemd-escape(1). */
static void check_name(const char *name)
{
	OWNED(drop_str) char *escaped = escape_unit_name(name);
	OWNED(drop_str) char *instance = escape_instance(name);
	OWNED(drop_text) struct text back = { 0 };

	text_add(&back, "");
	for (const char *p = escaped; *p; p++) {
		insist(isalnum((unsigned char)*p) || strchr(":_.-\\", *p));
		if (*p == '\\') {
			text_add_bytes(&back, (char[]){ (char)(hex(p[2]) * 16 + hex(p[3])) }, 1);
			p += 3;
		} else {
			text_add_bytes(&back, *p == '-' ? "/" : p, 1);
		}
	}
	insist(strcmp(back.at, name) == 0);
	for (const char *p = instance; *p; p++)
		insist(isalnum((unsigned char)*p) || strchr(":_.-\\", *p));
}

/* Words are what stands between NUL bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWNED(drop_words) struct words words = { 0 };
	const uint8_t *end = data + size;

	while (data < end) {
		size_t n = strnlen((const char *)data, (size_t)(end - data));

		words_addf(&words, "%.*s", (int)n, (const char *)data);
		data += n + 1;
	}
	check_command(&words);
	check_list(&words);
	for (size_t i = 0; i < words.count; i++) {
		check_text(words.at[i]);
		check_name(words.at[i]);
	}
	return 0;
}
