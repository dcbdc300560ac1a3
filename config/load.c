/* SPDX-License-Identifier: MIT */
#include "load.h"

#include "check.h"
#include "keys.h"
#include "package.h"
#include "root.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct loading {
	struct microvm *vm;
	struct problems *problems;
};

static char *copy_or_null(const char *s)
{
	return s ? text_copy(s) : NULL;
}

void entries_add(struct entries *kept, const struct entry *e)
{
	kept->at = must(reallocarray(kept->at, kept->count + 1, sizeof(*kept->at)));
	kept->at[kept->count++] = (struct kept_entry){
		.place = e->place,
		.section = text_copy(e->section),
		.id = copy_or_null(e->id),
		.key = copy_or_null(e->key),
		.value = copy_or_null(e->value),
	};
}

static void entry_keep(void *context, const struct entry *e)
{
	entries_add(context, e);
}

static void unreadable(const char *shown, int error, struct problems *problems)
{
	struct spot spot = { .problems = problems, .place.file = shown };

	if (error == -EFBIG)
		problem(&spot, "is larger than the 120 KiB that a MicroVM's file may have");
	else if (error == -EINVAL)
		problem(&spot, "is not a file, but a pipe, socket or device");
	else
		problem(&spot, "cannot be read: %s", strerror(-error));
}

void entries_read(const char *path, const char *shown, struct problems *problems,
		  struct entries *ret)
{
	int r = read_entries(path, shown, problems, entry_keep, ret);

	if (r < 0)
		unreadable(shown, r, problems);
}

void entries_cut(struct entries *e, size_t n)
{
	for (size_t i = n; i < e->count; i++) {
		free(e->at[i].section);
		free(e->at[i].id);
		free(e->at[i].key);
		free(e->at[i].value);
	}
	e->count = n < e->count ? n : e->count;
}

void drop_entries(struct entries *e)
{
	entries_cut(e, 0);
	free(e->at);
	*e = (struct entries){ 0 };
}

/* How many letters must change to make one word of the other, in short words; case is free. */
static size_t distance(const char *a, const char *b)
{
	size_t row[40], n = strlen(b);

	if (n >= 40 || strlen(a) >= 40)
		return 40;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; *a; a++, i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t cost = diagonal + (strncasecmp(a, &b[j - 1], 1) != 0);

			diagonal = row[j];
			if (row[j - 1] + 1 < cost)
				cost = row[j - 1] + 1;
			row[j] = diagonal + 1 < cost ? diagonal + 1 : cost;
		}
	}
	return row[n];
}

static const char *nearest_key(const struct section_kind *kind, const char *name)
{
	const char *best = NULL;
	size_t least = 3;

	for (size_t i = 0; i < kind->count; i++) {
		size_t d = distance(name, kind->keys[i].name);

		if (d < least) {
			least = d;
			best = kind->keys[i].name;
		}
	}
	return best;
}

static void unknown_key(struct spot *spot, const struct section_kind *kind, const char *name)
{
	const char *near = nearest_key(kind, name);

	for (size_t i = 0; i < section_kind_count && !near; i++)
		if (key_find(&section_kinds[i], name)) {
			problem(spot, "unknown key '%s'; it belongs to [%s%s]", name,
				section_kinds[i].name, section_kinds[i].longest ? " ID" : "");
			return;
		}
	if (near)
		problem(spot, "unknown key '%s', did you mean '%s'?", name, near);
	else
		problem(spot, "unknown key '%s'; microvm.conf(5) lists those of [%s]", name,
			kind->name);
}

static void unknown_section(struct spot *spot, const char *name)
{
	struct text all = { 0 };

	for (size_t i = 0; i < section_kind_count; i++) {
		if (distance(name, section_kinds[i].name) < 3) {
			problem(spot, "unknown section [%s], did you mean [%s]?", name,
				section_kinds[i].name);
			drop_text(&all);
			return;
		}
		text_addf(&all, "%s%s", i ? ", " : "", section_kinds[i].name);
	}
	problem(spot, "unknown section [%s]; there are %s", name, all.at);
	drop_text(&all);
}

/* A second value in one file is a slip of the pen; a later file may well have another. */
static bool set_twice(const struct spot *spot, const struct section *s)
{
	const struct place *before = key_place(spot->key, s);

	if (spot->key->type->list || before->file != spot->place.file)
		return false;
	problem(spot, "is set in line %u already", before->line);
	return true;
}

static void key_load(struct spot *spot, struct section *s, const struct entry *e)
{
	spot->key = key_find(s->kind, e->key);
	if (!spot->key) {
		unknown_key(spot, s->kind, e->key);
		return;
	}
	if (set_twice(spot, s))
		return;
	(void)key_set(spot, s, e->value);
	/* Also when the value does not fit: the key is there, and nothing else is to say that it is
	 * missing. */
	*key_place(spot->key, s) = spot->place;
}

static void entry_load(void *context, const struct entry *e)
{
	struct loading *in = context;
	const struct section_kind *kind = section_kind_find(e->section, strlen(e->section));
	struct spot spot = { .problems = in->problems, .place = e->place, .name = in->vm->name };
	struct section *s;

	if (strncmp(e->section, "X-", 2) == 0 || (e->key && strncmp(e->key, "X-", 2) == 0))
		return;
	/* What is wrong with a section is told at its own line, once. */
	if (!kind) {
		if (!e->key)
			unknown_section(&spot, e->section);
		return;
	}
	if (e->key) {
		struct problems told = { 0 };
		struct spot again = { .problems = &told };
		int r = section_id_check(&again, kind, e->id);

		drop_problems(&told);
		if (r < 0)
			return;
	} else if (section_id_check(&spot, kind, e->id) < 0) {
		return;
	}
	s = microvm_section(in->vm, kind, e->id);
	spot.section = s;
	if (!s->place.file)
		s->place = e->place;
	if (e->key)
		key_load(&spot, s, e);
}

static int file_entries(const char *root, const char *shown, struct problems *problems,
			entry_handler *handler, void *context)
{
	OWNED(drop_str) char *path = text_format("%s%s", root, shown);
	int r = read_entries(path, shown, problems, handler, context);

	if (r < 0)
		unreadable(shown, r, problems);
	return r;
}

int source_entries(const struct sources *all, const struct source *source, struct problems *problems,
		   entry_handler *handler, void *context)
{
	const char *root = all->root ? all->root : "";
	int r;

	words_add_all(&problems->errors, &all->defaults_problems.errors);
	for (size_t i = 0; i < all->defaults.count; i++) {
		const struct kept_entry *e = &all->defaults.at[i];

		handler(context, &(struct entry){ e->place, e->section, e->id, e->key, e->value });
	}
	if (source->package) {
		handler(context, &(struct entry){ { source->shown, 0 }, "microvm", NULL, "runner", source->shown });
		return 0;
	}
	r = file_entries(root, source->shown, problems, handler, context);
	for (size_t i = 0; i < source->dropins.count; i++)
		(void)file_entries(root, source->dropins.at[i], problems, handler, context);
	return r;
}

bool microvm_name_fits(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n <= 63 && *name != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

int source_load(const struct sources *all, const struct source *source, struct microvm *vm,
		struct problems *problems)
{
	struct loading in = { .vm = vm, .problems = problems };
	struct spot spot = { .problems = problems, .place.file = source->shown };
	int r;

	if (!microvm_name_fits(source->name))
		problem(&spot, "'%s' is not a MicroVM's name of 1 to 63 letters a-z, digits and '-'; "
			       "rename the file", source->name);
	/* Problems of the MicroVM as a whole are its file's. */
	vm->section.place = (struct place){ .file = source->shown };
	r = source_entries(all, source, problems, entry_load, &in);
	/* Of a file that nobody could read everything is missing, which is no news. */
	if (r == 0 && vm->runner) {
		microvm_check_runner(vm, all->defaults_shown, problems);
		if (*vm->runner)
			(void)package_load(all->root ? all->root : "", vm, problems);
	} else if (r == 0 && microvm_check_root(vm, problems)) {
		root_expand(vm);
	}
	if (r == 0)
		microvm_check(vm, problems);
	return problems->errors.count > 0 ? -EINVAL : 0;
}
