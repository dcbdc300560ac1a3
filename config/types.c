/* SPDX-License-Identifier: MIT */
#include "types.h"

#include "../common/owned.h"
#include "../common/text.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Printing and dropping are the same for all types of one C type. */

static void print_bool(const struct type *type, const void *field, struct words *ret)
{
	(void)type;
	words_add(ret, *(const bool *)field ? "yes" : "no");
}

static void print_number(const struct type *type, const void *field, struct words *ret)
{
	(void)type;
	words_addf(ret, "%u", *(const unsigned *)field);
}

static void print_choice(const struct type *type, const void *field, struct words *ret)
{
	words_add(ret, type->names[*(const unsigned *)field]);
}

static void print_bytes(const struct type *type, const void *field, struct words *ret)
{
	static const char units[] = { 'K', 'M', 'G', 'T' };
	uint64_t value = *(const uint64_t *)field >> 10;
	size_t unit = 0;

	(void)type;
	for (; value > 0 && value % 1024 == 0 && unit + 1 < sizeof(units); unit++)
		value /= 1024;
	words_addf(ret, "%" PRIu64 "%c", value, units[unit]);
}

static void print_span(const struct type *type, const void *field, struct words *ret)
{
	uint64_t usec = *(const uint64_t *)field;

	(void)type;
	if (usec % 1000000 == 0)
		words_addf(ret, "%" PRIu64 "s", usec / 1000000);
	else
		words_addf(ret, "%" PRIu64 "us", usec);
}

static void print_string(const struct type *type, const void *field, struct words *ret)
{
	const char *s = *(char *const *)field;

	(void)type;
	if (s)
		words_add(ret, s);
}

static void print_words(const struct type *type, const void *field, struct words *ret)
{
	(void)type;
	words_add_all(ret, field);
}

static void drop_string(void *field)
{
	free(*(char **)field);
}

static void drop_list(void *field)
{
	drop_words(field);
}

static int set_string(const char *text, void *field)
{
	drop_string(field);
	*(char **)field = text_copy(text);
	return 0;
}

/* A whole decimal number up to limit, without sign or blanks. */
static bool number_read(const char *text, uint64_t limit, uint64_t *ret)
{
	uint64_t value = 0;

	if (!*text)
		return false;
	for (; isdigit((unsigned char)*text); text++) {
		unsigned digit = (unsigned)(*text - '0');

		if (value > (limit - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*ret = value;
	return !*text;
}

static int parse_bool(const struct spot *spot, const char *text, void *field)
{
	static const char *const words[] = { "yes", "true", "1", "on", "no", "false", "0", "off" };

	for (size_t i = 0; i < 8; i++)
		if (strcasecmp(text, words[i]) == 0) {
			*(bool *)field = i < 4;
			return 0;
		}
	return problem(spot, "'%s' is not yes or no", text);
}

static int parse_range(const struct spot *spot, const char *text, unsigned least, unsigned most,
		       void *field)
{
	uint64_t value;

	if (!number_read(text, most, &value) || value < least)
		return problem(spot, "'%s' is not a number from %u to %u", text, least, most);
	*(unsigned *)field = (unsigned)value;
	return 0;
}

static int parse_count(const struct spot *spot, const char *text, void *field)
{
	return parse_range(spot, text, 1, 65535, field);
}

static int parse_count0(const struct spot *spot, const char *text, void *field)
{
	return parse_range(spot, text, 0, 65535, field);
}

static int parse_port(const struct spot *spot, const char *text, void *field)
{
	return parse_range(spot, text, 1, 65535, field);
}

/* The shift of a size's unit, or -1. A number alone is MiB, as in the handbook. */
static int size_shift(const char *unit)
{
	static const char *const names[] = { "K", "M", "G", "T" };

	if (!*unit)
		return 20;
	for (int i = 0; i < 4; i++)
		if (strncasecmp(unit, names[i], 1) == 0 &&
		    (!unit[1] || strcasecmp(unit + 1, "B") == 0 || strcasecmp(unit + 1, "iB") == 0))
			return 10 * (i + 1);
	return -1;
}

static int parse_size(const struct spot *spot, const char *text, void *field)
{
	size_t digits = strspn(text, "0123456789");
	OWNED(drop_str) char *number = text_copy(text);
	int shift = size_shift(text + digits);
	uint64_t value;

	number[digits] = '\0';
	/* Below 2^60 no sum of a few sizes overflows. */
	if (shift < 0 || !number_read(number, (1ull << 60) >> shift, &value))
		return problem(spot, "'%s' is not a size such as 512 (MiB), 512M or 2G", text);
	*(uint64_t *)field = value << shift;
	return 0;
}

/* Microseconds of a unit of systemd.time(7), or 0. */
static uint64_t span_unit(const char *unit, size_t length)
{
	static const struct {
		const char *names;
		uint64_t usec;
	} units[] = {
		{ " us usec µs ", 1 },
		{ " ms msec ", 1000 },
		{ " s sec second seconds ", 1000000 },
		{ " m min minute minutes ", 60000000 },
		{ " h hr hour hours ", 3600000000 },
		{ " d day days ", 86400000000 },
	};
	OWNED(drop_str) char *word = text_format(" %.*s ", (int)length, unit);

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strstr(units[i].names, word))
			return units[i].usec;
	return 0;
}

static bool span_read(const char *text, uint64_t *ret)
{
	const uint64_t longest = 366 * 86400000000;
	uint64_t sum = 0;

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		uint64_t value, unit;
		size_t n = strspn(text, "0123456789");
		OWNED(drop_str) char *number = text_format("%.*s", (int)n, text);

		if (!number_read(number, longest, &value))
			return false;
		text += n;
		text += strspn(text, " ");
		n = strcspn(text, " 0123456789");
		unit = n > 0 ? span_unit(text, n) : 1000000;
		if (unit == 0 || value > longest / unit || sum + value * unit > longest)
			return false;
		sum += value * unit;
		text += n;
	}
	*ret = sum;
	return true;
}

static int parse_span(const struct spot *spot, const char *text, void *field)
{
	uint64_t value;

	if (!*text || !span_read(text, &value) || value == 0)
		return problem(spot, "'%s' is not a time span such as 90s or 2min, up to a year", text);
	*(uint64_t *)field = value;
	return 0;
}

static int parse_string(const struct spot *spot, const char *text, void *field)
{
	/* What else would end or change the line of a unit file that the value reaches, or let systemd
	 * drop it. */
	if (!text_is_shown(text))
		return problem(spot, "holds a control character or is not UTF-8; only printable text "
				     "is possible here");
	if (*text && text[strlen(text) - 1] == '\\')
		return problem(spot, "'%s' ends with a backslash; write it without", text);
	return set_string(text, field);
}

static bool path_has_dots(const char *path)
{
	for (const char *p = strstr(path, ".."); p; p = strstr(p + 2, ".."))
		if ((p == path || p[-1] == '/') && (!p[2] || p[2] == '/'))
			return true;
	return false;
}

/* One spelling for one path, as far as names tell: paths are compared. A slash at the end of an image's
 * stays, because it says that a folder was meant. */
static void path_simplify(char *path, bool keep_slash)
{
	const char *from = path;
	char *to = path;

	while (from[0] == '.' && from[1] == '/')
		from += 1 + strspn(from + 1, "/");
	while (*from) {
		if (from[0] == '/' && (from[1] == '/' || (from[1] == '.' && (from[2] == '/' || !from[2]))))
			from += from[1] == '/' ? 1 : 2;
		else
			*to++ = *from++;
	}
	if (to == path && *path == '/')
		to++;
	*to = '\0';
	if (!keep_slash && to > path + 1 && to[-1] == '/')
		to[-1] = '\0';
}

static int parse_image(const struct spot *spot, const char *text, void *field)
{
	if (text_is_shown(text) && (strlen(text) >= PATH_MAX || path_has_dots(text)))
		return problem(spot, "'%s' is too long, or has '..' in it; write the path without", text);
	/* systemd 257 loses quotes on the way from PID 1 to the process that makes the mounts. */
	if (strpbrk(text, "\"'"))
		return problem(spot, "'%s' holds a quote, which systemd does not keep in paths; rename it",
			       text);
	if (parse_string(spot, text, field) < 0)
		return -EINVAL;
	path_simplify(*(char **)field, true);
	return 0;
}

static int parse_path(const struct spot *spot, const char *text, void *field)
{
	/* Empty is kept apart from unset: it says that the thing is not wanted. */
	if (*text && *text != '/')
		return problem(spot, "'%s' is not an absolute path, such as /%s", text, text);
	if (parse_image(spot, text, field) < 0)
		return -EINVAL;
	path_simplify(*(char **)field, false);
	return 0;
}

static int parse_user(const struct spot *spot, const char *text, void *field)
{
	size_t n = strlen(text);

	/* systemd.io/USER_NAMES, strict */
	if (n < 1 || n > 31 || isdigit((unsigned char)*text) || *text == '-' ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != n)
		return problem(spot, "'%s' is not a name of letters, digits, '_' and '-', 31 at most",
			       text);
	return set_string(text, field);
}

static int parse_uuid(const struct spot *spot, const char *text, void *field)
{
	char *copy;
	size_t n = 0;

	for (const char *p = text; *p; p++, n++)
		if (n == 8 || n == 13 || n == 18 || n == 23 ? *p != '-' : !isxdigit((unsigned char)*p))
			break;
	if (n != 36 || text[n])
		return problem(spot, "'%s' is not a UUID such as f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
			       text);
	set_string(text, field);
	for (copy = *(char **)field; *copy; copy++)
		*copy = (char)tolower((unsigned char)*copy);
	return 0;
}

static int parse_mac(const struct spot *spot, const char *text, void *field)
{
	unsigned first = 0;
	char *copy;
	size_t n = 0;

	for (const char *p = text; *p; p++, n++)
		if (n % 3 == 2 ? *p != ':' : !isxdigit((unsigned char)*p))
			break;
	if (n != 17 || text[n])
		return problem(spot, "'%s' is not a hardware address such as 02:00:00:00:00:01", text);
	first = (unsigned)strtoul(text, NULL, 16);
	if (first & 1)
		return problem(spot, "'%s' is a multicast address; the first byte must be even, "
			       "such as 02:00:00:00:00:01", text);
	if (strspn(text, "0:") == n)
		return problem(spot, "'%s' is no address; use one such as 02:00:00:00:00:01", text);
	set_string(text, field);
	for (copy = *(char **)field; *copy; copy++)
		*copy = (char)tolower((unsigned char)*copy);
	return 0;
}

static int parse_ip(const struct spot *spot, const char *text, void *field)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, text, address) != 1 && inet_pton(AF_INET6, text, address) != 1)
		return problem(spot, "'%s' is not an IP address", text);
	return set_string(text, field);
}

static int parse_ifname(const struct spot *spot, const char *text, void *field)
{
	size_t n = strlen(text);

	if (n < 1 || n > 15 || !text_is_shown(text) || strpbrk(text, "/: %") || strcmp(text, ".") == 0 ||
	    strcmp(text, "..") == 0)
		return problem(spot, "'%s' is not an interface's name, 1 to 15 bytes without '/', ':', "
			       "'%%' and blanks", text);
	return set_string(text, field);
}

static int parse_cid(const struct spot *spot, const char *text, void *field)
{
	OWNED(drop_str) char *number = NULL; /* one that is the same is written the same */
	uint64_t value;

	/* 0 to 2 and the highest are taken (vsock(7)) */
	if (strcmp(text, "auto") != 0 && (!number_read(text, UINT32_MAX - 1, &value) || value < 3))
		return problem(spot, "'%s' is not a number from 3 to 4294967294, or auto", text);
	if (strcmp(text, "auto") != 0)
		number = text_format("%" PRIu64, value);
	return set_string(number ? number : text, field);
}

static int parse_threads(const struct spot *spot, const char *text, void *field)
{
	uint64_t value;

	if (strcmp(text, "nproc") != 0 && !number_read(text, 65535, &value))
		return problem(spot, "'%s' is not a number of threads, or nproc", text);
	return set_string(text, field);
}

/* D-Bus carries UTF-8 alone, and PID 1 then gives no property of the whole unit. */
static void warn_of_bytes(const struct spot *spot, const char *text)
{
	if (!text_is_utf8(text))
		warning(spot, "'%s' is not UTF-8: it arrives as it is, but systemctl show and status will fail",
			text);
}

static int parse_words(const struct spot *spot, const char *text, void *field)
{
	OWNED(drop_words) struct words more = { 0 };

	if (words_split(&more, text) < 0)
		return problem(spot, "'%s' has an open quote or an unknown escape; write '\\\\' for a "
			       "backslash", text);
	for (size_t i = 0; i < more.count; i++)
		warn_of_bytes(spot, more.at[i]);
	words_add_all(field, &more);
	return 0;
}

static int parse_lines(const struct spot *spot, const char *text, void *field)
{
	warn_of_bytes(spot, text);
	words_add(field, text);
	return 0;
}

static bool unit_suffix_fits(const char *suffix)
{
	static const char *const suffixes[] = { ".service", ".socket", ".target", ".mount", ".automount",
						".device", ".timer", ".path", ".slice", ".scope", ".swap" };

	for (size_t i = 0; suffix && i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (strcmp(suffix, suffixes[i]) == 0)
			return true;
	return false;
}

/* systemd.unit(5); a name without a suffix is a MicroVM's, as microvm_name_fits() has it. */
static bool unit_name_fits(const char *name)
{
	size_t n = strlen(name);
	const char *suffix = strrchr(name, '.');

	if (!suffix)
		return n > 0 && n < 64 && *name != '-' &&
		       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
	return n < 256 && *name != '.' && *name != '@' && suffix[-1] != '@' && unit_suffix_fits(suffix) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    ":-_.\\@") == n;
}

static int parse_units(const struct spot *spot, const char *text, void *field)
{
	OWNED(drop_words) struct words more = { 0 };

	if (words_split(&more, text) < 0)
		return problem(spot, "'%s' has an open quote or an unknown escape", text);
	for (size_t i = 0; i < more.count; i++)
		if (!unit_name_fits(more.at[i]))
			return problem(spot, "'%s' is not the name of a MicroVM, such as db, or of a unit, "
				       "such as nginx.service", more.at[i]);
	words_add_all(field, &more);
	return 0;
}

static int parse_gone_balloon_mem(const struct spot *spot, const char *text, void *field)
{
	(void)text;
	(void)field;
	return problem(spot, "is gone; set mem to what the guest has in all, balloon=yes, and "
		       "initialBalloonMem to what the balloon takes at the start");
}

static int parse_choice(const struct spot *spot, const char *text, void *field)
{
	const struct type *type = spot->key->type;
	struct text all = { 0 };
	int r;

	for (unsigned i = 0; i < type->count; i++)
		if (strcmp(text, type->names[i]) == 0) {
			*(unsigned *)field = i;
			return 0;
		}
	for (unsigned i = 0; i < type->count; i++)
		text_addf(&all, "%s%s", i == 0 ? "" : i + 1 < type->count ? ", " : " or ",
			  type->names[i]);
	r = problem(spot, "'%s' is not %s", text, all.at);
	drop_text(&all);
	return r;
}

/* What a C type brings: how it is printed, dropped, and whether text in it expands. */
#define AS_BOOL .print = print_bool
#define AS_NUMBER .print = print_number
#define AS_STRING .print = print_string, .drop = drop_string
#define AS_TEXT AS_STRING, .expands = true
#define AS_LIST .print = print_words, .drop = drop_list, .list = true, .expands = true

#define AS_bool AS_BOOL
#define AS_size .print = print_bytes
#define AS_count AS_NUMBER
#define AS_count0 AS_NUMBER
#define AS_port AS_NUMBER
#define AS_span .print = print_span
#define AS_string AS_TEXT
#define AS_path AS_TEXT, .empty = true
#define AS_image AS_TEXT
#define AS_user AS_TEXT
#define AS_uuid AS_STRING
#define AS_mac AS_STRING
#define AS_ip AS_STRING
#define AS_ifname AS_TEXT
#define AS_cid AS_STRING
#define AS_threads AS_STRING
#define AS_words AS_LIST
#define AS_lines AS_LIST
#define AS_units AS_LIST
#define AS_gone_balloon_mem AS_BOOL, .empty = true

#define TYPE(NAME, CTYPE, MANUAL) \
	const struct type type_##NAME = { .name = #NAME, .manual = MANUAL, .parse = parse_##NAME, \
					  AS_##NAME };
#define CHOICE(NAME, CTYPE, COUNT, ...) \
	static const char *const names_##NAME[] = { __VA_ARGS__ }; \
	static_assert(sizeof(names_##NAME) / sizeof(char *) == COUNT, "a name for each value"); \
	static_assert(sizeof(CTYPE) == sizeof(unsigned), "parse_choice() writes an unsigned"); \
	const struct type type_##NAME = { .name = #NAME, .parse = parse_choice, .print = print_choice, \
					  .names = names_##NAME, .count = COUNT };
#include "types.def"
