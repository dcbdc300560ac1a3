/* SPDX-License-Identifier: MIT */
/* Each type of value: what it takes and how it writes that again, and what it refuses. */
#include "common/owned.h"
#include "common/text.h"
#include "config/keys.h"
#include "config/types.h"
#include "result.h"

#include <errno.h>

/* TEXT is read and written as PRINTED, its words ended by '|'; NULL: refused. */
static const struct row {
	const struct type *type;
	const char *text, *printed;
} rows[] = {
	{ &type_bool, "YES", "yes|" },
	{ &type_bool, "off", "no|" },
	{ &type_bool, "y", NULL },
	{ &type_size, "1", "1M|" },
	{ &type_size, "0", "0K|" },
	{ &type_size, "1024k", "1M|" },
	{ &type_size, "1025K", "1025K|" },
	{ &type_size, "2048MiB", "2G|" },
	{ &type_size, "1t", "1T|" },
	{ &type_size, "1048576T", "1048576T|" },
	{ &type_size, "1048577T", NULL },
	{ &type_size, "18446744073709551616K", NULL },
	{ &type_size, "1Mi", NULL },
	{ &type_size, "1 M", NULL },
	{ &type_count, "065535", "65535|" },
	{ &type_count, "0", NULL },
	{ &type_count, "65536", NULL },
	{ &type_count, "+1", NULL },
	{ &type_count0, "0", "0|" },
	{ &type_port, "1", "1|" },
	{ &type_span, "90", "90s|" },
	{ &type_span, "1h 1min 1s", "3661s|" },
	{ &type_span, "1h1min1s", "3661s|" },
	{ &type_span, " 1 ms ", "1000us|" },
	{ &type_span, "5\xc2\xb5s", "5us|" },
	{ &type_span, "366days", "31622400s|" },
	{ &type_span, "366d 1us", NULL },
	{ &type_span, "0", NULL },
	{ &type_span, "", NULL },
	{ &type_span, "1 2x", NULL },
	{ &type_span, "18446744073709551615h", NULL },
	{ &type_span, "us", NULL },
	{ &type_string, "any % text", "any % text|" },
	{ &type_string, "\x01", NULL },
	{ &type_string, "\xff", NULL },
	{ &type_string, "end\\", NULL },
	{ &type_path, "/", "/|" },
	{ &type_path, "//", "/|" },
	{ &type_path, "/.", "/|" },
	{ &type_path, "/./", "/|" },
	{ &type_path, "/a//b/./c/", "/a/b/c|" },
	{ &type_path, "/.a/..b/c../...", "/.a/..b/c../...|" },
	{ &type_path, "/a/.b", "/a/.b|" },
	{ &type_path, "", "|" },
	{ &type_path, "a", NULL },
	{ &type_path, "/..", NULL },
	{ &type_path, "/a/../b", NULL },
	{ &type_path, "/a/b/..", NULL },
	{ &type_image, "a.img", "a.img|" },
	{ &type_image, "./a//b/./c.img", "a/b/c.img|" },
	{ &type_image, "folder/", "folder/|" },
	{ &type_image, "/srv//x/", "/srv/x/|" },
	{ &type_image, "../x", NULL },
	{ &type_user, "vm-1_x", "vm-1_x|" },
	{ &type_user, "1vm", NULL },
	{ &type_user, "", NULL },
	{ &type_uuid, "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
	  "f81d4fae-7dec-11d0-a765-00a0c91e6bf6|" },
	{ &type_uuid, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6 ", NULL },
	{ &type_mac, "AE:00:00:00:00:02", "ae:00:00:00:00:02|" },
	{ &type_mac, "01:00:00:00:00:00", NULL },
	{ &type_mac, "00:00:00:00:00:00", NULL },
	{ &type_mac, "2:00:00:00:00:000", NULL },
	{ &type_ip, "192.0.2.1", "192.0.2.1|" },
	{ &type_ip, "2001:db8::1", "2001:db8::1|" },
	{ &type_ip, "192.0.2.256", NULL },
	{ &type_ifname, "eth0.5", "eth0.5|" },
	{ &type_ifname, "..", NULL },
	{ &type_ifname, "a b", NULL },
	{ &type_ifname, "sixteen-bytes-16", NULL },
	{ &type_cid, "auto", "auto|" },
	{ &type_cid, "4294967294", "4294967294|" },
	{ &type_cid, "4294967295", NULL },
	{ &type_cid, "2", NULL },
	{ &type_threads, "nproc", "nproc|" },
	{ &type_threads, "0", "0|" },
	{ &type_threads, "many", NULL },
	{ &type_words, "a \"b c\" ''", "a|b c||" },
	{ &type_words, "\"a", NULL },
	{ &type_lines, "a \"b c", "a \"b c|" },
	{ &type_units, "db web-1 a.service", "db|web-1|a.service|" },
	{ &type_units, "dev-disk-by\\\\x2dlabel-x.device a@b.service",
	  "dev-disk-by\\x2dlabel-x.device|a@b.service|" },
	{ &type_units, "a@.service", NULL },
	{ &type_units, "@a.service", NULL },
	{ &type_units, ".service", NULL },
	{ &type_units, "Db", NULL },
	{ &type_units, "a.tar", NULL },
	{ &type_units, "a.service/b", NULL },
	{ &type_restart, "on-failure", "on-failure|" },
	{ &type_restart, "On-failure", NULL },
	{ &type_gone_balloon_mem, "512", NULL },
};

/* Large enough for every field. */
union field {
	char *string;
	struct words words;
	uint64_t number;
};

static char *printed(const struct type *type, const void *field)
{
	OWNED(drop_words) struct words values = { 0 };
	struct text all = { 0 };

	text_add(&all, "");
	type->print(type, field, &values);
	for (size_t i = 0; i < values.count; i++)
		text_addf(&all, "%s|", values.at[i]);
	return all.at;
}

static int parse(const struct type *type, const char *text, void *field, struct problems *problems)
{
	struct key key = { .name = "key", .type = type };
	struct spot spot = { .problems = problems, .key = &key, .name = "web" };

	return type->parse(&spot, text, field);
}

/* What was written is read as the same again, word by word. */
static char *printed_again(const struct type *type, const void *field, struct problems *problems)
{
	OWNED(drop_words) struct words values = { 0 };
	union field again = { 0 };
	char *ret;

	type->print(type, field, &values);
	for (size_t i = 0; i < values.count && !type->list; i++)
		(void)parse(type, values.at[i], &again, problems);
	ret = type->list ? printed(type, field) : printed(type, &again);
	if (type->drop)
		type->drop(&again);
	return ret;
}

static void try(const struct row *row)
{
	struct problems problems = { 0 };
	union field field = { 0 };
	OWNED(drop_str) char *name = text_format("%s: '%s'", row->type->name, row->text);
	OWNED(drop_str) char *have = NULL, *again = NULL;
	int r = parse(row->type, row->text, &field, &problems);

	if (r == 0) {
		have = printed(row->type, &field);
		again = printed_again(row->type, &field, &problems);
	}
	equal(row->printed, have, name);
	equal(row->printed, again, name);
	ok((r == 0) == (problems.errors.count == 0) && (r == 0 || r == -EINVAL),
	   "and a message if refused");
	if (row->type->drop)
		row->type->drop(&field);
	drop_problems(&problems);
}

/* Nothing that anybody may write is missing above. */
static void all_types_tried(void)
{
	for (size_t i = 0; i < section_kind_count; i++)
		for (size_t j = 0; j < section_kinds[i].count; j++) {
			const struct type *type = section_kinds[i].keys[j].type;
			bool tried = type->count > 0; /* of choices one is enough */

			for (size_t k = 0; k < sizeof(rows) / sizeof(*rows); k++)
				tried |= rows[k].type == type;
			if (!tried)
				printf("not ok - type %s has no row\n", type->name), failed++;
		}
}

/* Every name of every choice is its own value. */
static void choices(void)
{
	size_t bad = 0;

	for (size_t i = 0; i < section_kind_count; i++)
		for (size_t j = 0; j < section_kinds[i].count; j++) {
			const struct type *type = section_kinds[i].keys[j].type;

			for (unsigned k = 0; k < type->count; k++) {
				struct problems problems = { 0 };
				unsigned value = type->count;

				bad += parse(type, type->names[k], &value, &problems) < 0 ||
				       value != k;
				drop_problems(&problems);
			}
		}
	ok(bad == 0, "every name of every choice");
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		try(&rows[i]);
	all_types_tried();
	choices();
	return finish();
}
