/* SPDX-License-Identifier: MIT */
/* A MicroVM as words for the helpers, and back: random ones, made from the table of keys. */
#include "common/owned.h"
#include "common/text.h"
#include "config/arguments.h"
#include "config/keys.h"
#include "result.h"

#include <errno.h>
#include <inttypes.h>

static unsigned long seed = 1;

static unsigned any(unsigned n)
{
	return random_next(&seed) % n;
}

/* By the type's name: a value in the words of the helpers, %u being a random number. */
static const struct {
	const char *type, *values[4];
} values[] = {
	{ "bool", { "yes", "no" } },
	{ "size", { "64M", "1025K", "3G", "0K" } },
	{ "count", { "1", "7", "65535" } },
	{ "count0", { "0", "7" } },
	{ "port", { "1", "65535" } },
	{ "span", { "90s", "1500us", "31622400s" } },
	{ "string", { "a", "two words", "x=y.z", "\xc3\xa9\"'\\$%;" } },
	{ "path", { "/a", "", "/with.dots/and=signs", "/a b" } },
	{ "image", { "a.img", "/srv/x=y.img", "folder/a.img" } },
	{ "user", { "alice", "vm_1" } },
	{ "uuid", { "f81d4fae-7dec-11d0-a765-00a0c91e6bf6" } },
	{ "mac", { "02:00:00:00:00:01" } },
	{ "ip", { "192.0.2.1", "::1" } },
	{ "ifname", { "eth0", "br.1=x" } },
	{ "cid", { "3", "auto" } },
	{ "threads", { "4", "nproc" } },
	{ "words", { "", "a=b", "any\n\xff\x01 byte", "\"'\\$%;" } },
	{ "lines", { "echo \"$x\" %", "exit=0" } },
	{ "units", { "db", "nginx.service" } },
	{ "gone_balloon_mem", { NULL } },
};

static const char *value_of(const struct type *type)
{
	if (type->count > 0)
		return type->names[any(type->count)];
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		size_t n = 0;

		if (strcmp(values[i].type, type->name) != 0)
			continue;
		while (n < 4 && values[i].values[n])
			n++;
		return n > 0 ? values[i].values[any((unsigned)n)] : NULL;
	}
	printf("not ok - type %s has no values here\n", type->name);
	failed++;
	return NULL;
}

static void set_key(struct section *s, const struct key *key, struct problems *problems)
{
	struct spot spot = { .problems = problems,
			     .section = s,
			     .key = key,
			     .name = "web",
			     .place = { "file", 1 } };
	const char *value = value_of(key->type);

	if (!value)
		return;
	if (!key->type->list) {
		(void)key_set_literal(&spot, s, value);
		return;
	}
	words_add(key_field(key, s), value);
	*key_place(key, s) = spot.place;
}

static void fill(struct section *s, struct problems *problems)
{
	for (size_t i = 0; i < s->kind->count; i++)
		for (unsigned n = any(3); n > 0; n--)
			if (n == 1 || s->kind->keys[i].type->list)
				set_key(s, &s->kind->keys[i], problems);
}

static void make(struct microvm *vm, struct problems *problems)
{
	static const char *const ids[] = { "data", "a.b", "image", "x.readOnly", "-_", "_1" };

	microvm_init(vm, "web");
	for (size_t i = 0; i < section_kind_count; i++) {
		const struct section_kind *kind = &section_kinds[i];

		if (kind->longest == 0) {
			fill(microvm_section(vm, kind, NULL), problems);
			continue;
		}
		for (unsigned n = any(4); n > 0; n--) {
			const char *id = ids[any(6)];

			if (*id != '-')
				fill(microvm_section(vm, kind, id), problems);
		}
	}
}

static bool same_words(const struct words *a, const struct words *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->at[i], b->at[i]) != 0)
			return false;
	return true;
}

static bool comes_back(enum audience audience)
{
	struct problems problems = { 0 };
	OWNED(drop_microvm) struct microvm vm, back;
	OWNED(drop_words) struct words words = { 0 }, again = { 0 };
	bool good;

	make(&vm, &problems);
	arguments_write(&vm, audience, &words);
	microvm_init(&back, "web");
	good = problems.errors.count == 0 && arguments_read(&back, words.at, &problems) == 0;
	for (size_t i = 0; i < problems.errors.count; i++)
		printf("# %s\n", problems.errors.at[i]);
	arguments_write(&back, audience, &again);
	good = good && same_words(&words, &again);
	drop_problems(&problems);
	return good;
}

/* Beyond the words: every field that the words tell is the same. */
static bool same_fields(const struct section *a, const struct section *b)
{
	for (size_t i = 0; i < a->kind->count; i++) {
		const struct key *key = &a->kind->keys[i];
		OWNED(drop_words) struct words x = { 0 }, y = { 0 };

		if (!key_place(key, b)->file)
			continue;
		key->type->print(key->type, key_field(key, a), &x);
		key->type->print(key->type, key_field(key, b), &y);
		if (!same_words(&x, &y))
			return false;
	}
	return true;
}

static bool fields_come_back(void)
{
	struct problems problems = { 0 };
	OWNED(drop_microvm) struct microvm vm, back;
	OWNED(drop_words) struct words words = { 0 };
	bool good;

	make(&vm, &problems);
	arguments_write(&vm, FOR_RUN, &words);
	microvm_init(&back, "web");
	good = arguments_read(&back, words.at, &problems) == 0 &&
	       vm.volumes.count == back.volumes.count;
	for (size_t i = 0; good && i < vm.volumes.count; i++)
		good = same_fields(vm.volumes.at[i], back.volumes.at[i]) &&
		       strcmp(vm.volumes.at[i]->id, back.volumes.at[i]->id) == 0;
	good = good && same_fields(&vm.section, &back.section) &&
	       same_fields(&vm.qemu.section, &back.qemu.section);
	drop_problems(&problems);
	return good;
}

static void refuses(const char *word, const char *message)
{
	struct problems problems = { 0 };
	OWNED(drop_microvm) struct microvm vm;
	char *words[] = { (char *)word, NULL };
	int r;

	microvm_init(&vm, "web");
	r = arguments_read(&vm, words, &problems);
	ok(r == -EINVAL && problems.errors.count == 1 && strstr(problems.errors.at[0], message),
	   word);
	drop_problems(&problems);
}

int main(void)
{
	static const char *const names[] = { "FOR_RUN", "FOR_INSTALL", "FOR_CONTROL" };
	const enum audience audiences[] = { FOR_RUN, FOR_INSTALL, FOR_CONTROL };

	for (size_t i = 0; i < 3; i++) {
		int good = 0;

		for (int n = 0; n < 300; n++)
			good += comes_back(audiences[i]);
		ok(good == 300, names[i]);
	}
	ok(fields_come_back() && fields_come_back() && fields_come_back(), "fields");
	refuses("nonsense", "not a section");
	refuses("microvm", "not a section");
	refuses("nonsense.mem=1", "not a section");
	refuses("microvm.nonsense=1", "not a key");
	refuses("microvm.mem.x=1", "not a key");
	refuses("volume.data.nonsense=1", "not a key");
	refuses("volume.image=x", "not a key");
	refuses("volume.-.image=x", "is not an ID");
	refuses("volume.a/b.image=x", "is not an ID");
	refuses("volume.=x", "not a key");
	refuses("=", "not a section");
	refuses("", "not a section");
	refuses("microvm.mem=x", "is not a size");
	refuses("microvm.vcpu=", "a value is missing");
	return finish();
}
