/* SPDX-License-Identifier: MIT */
#include "verb.h"

#include "configuration.h"
#include "findings.h"
#include "instance.h"
#include "screen.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/keys.h"
#include "../config/load.h"

#include <string.h>

/* All values that count, in the order in which they were written. */
struct merged {
	struct entries kept;
	struct words sections; /* as "[volume data]", in the order of their first line */
};

static void drop_merged(struct merged *m)
{
	drop_entries(&m->kept);
	drop_words(&m->sections);
}

static char *heading(const char *section, const char *id)
{
	return text_format("[%s%s%s]", section, id ? " " : "", id ? id : "");
}

static bool is_list(const struct entry *e)
{
	const struct section_kind *kind = section_kind_find(e->section, strlen(e->section));
	const struct key *key = kind ? key_find(kind, e->key) : NULL;

	return key && key->type->list;
}

static bool is_same(const struct kept_entry *kept, const struct entry *e)
{
	OWNED(drop_str) char *a = heading(kept->section, kept->id);
	OWNED(drop_str) char *b = heading(e->section, e->id);

	return strcmp(a, b) == 0 && strcmp(kept->key, e->key) == 0;
}

/* What was written before does not count any more. */
static void forget(struct entries *kept, const struct entry *e)
{
	size_t n = 0;

	for (size_t i = 0; i < kept->count; i++) {
		struct kept_entry was = kept->at[i];

		kept->at[i] = kept->at[n];
		kept->at[n] = was;
		n += !is_same(&kept->at[n], e);
	}
	entries_cut(kept, n);
}

static void merge(void *context, const struct entry *e)
{
	struct merged *m = context;
	OWNED(drop_str) char *section = heading(e->section, e->id);

	if (!words_have(&m->sections, section))
		words_add(&m->sections, section);
	if (!e->key)
		return;
	if (!is_list(e) || !*e->value)
		forget(&m->kept, e);
	entries_add(&m->kept, e);
}

/* A line each that says where, above the one that says what: together they are a file that means
 * the same. */
static void section_print(const struct merged *m, const char *section)
{
	printf("%s%s%s\n", screen_colour(HEAD), section, screen_colour(PLAIN));
	for (size_t i = 0; i < m->kept.count; i++) {
		const struct kept_entry *e = &m->kept.at[i];
		OWNED(drop_str) char *of = heading(e->section, e->id);

		if (strcmp(of, section) != 0)
			continue;
		printf("%s# %s", screen_colour(FAINT), e->place.file);
		if (e->place.line > 0)
			printf(":%u", e->place.line);
		printf("%s\n%s = %s\n", screen_colour(PLAIN), e->key, e->value);
	}
}

static void demand_print(const struct section *s)
{
	OWNED(drop_str) char *head = heading(s->kind->name, s->id);

	printf("#\n# %s\n", head);
	for (size_t i = 0; i < s->kind->count; i++) {
		const struct key *key = &s->kind->keys[i];
		const struct place *place = key_place(key, s);
		OWNED(drop_str) char *value = place->file ? value_found(s, key->name) : NULL;

		if (value)
			printf("# %s = %s (%s:%u)\n", key->name, value, place->file, place->line);
	}
}

/* As comments: a file could not ask for them beside the package. */
static void demands_print(const struct microvm *vm)
{
	OWNED(drop_str) char *system = system_found(vm->runner);

	printf("\n%s# %s%s%s\n", screen_colour(FAINT), vm->runner, system ? " runs " : "", system ? system : "");
	for (size_t i = 0; i < section_kind_count; i++) {
		const void *member = (const char *)vm + section_kinds[i].offset;
		const struct sections *list = member;

		for (size_t n = 0; section_kinds[i].longest > 0 && n < list->count; n++)
			demand_print(list->at[n]);
	}
	printf("%s", screen_colour(PLAIN));
}

static int print(const struct call *call, const struct configuration *c,
		 const struct configured *one)
{
	OWNED(drop_merged) struct merged merged = { 0 };
	OWNED(drop_problems) struct problems again = { 0 };
	int r;

	(void)source_entries(&c->sources, one->source, &again, merge, &merged);
	screen_begin(!call_has(call, "no-pager"));
	for (size_t i = 0; i < merged.sections.count; i++) {
		if (i > 0)
			(void)putchar('\n');
		section_print(&merged, merged.sections.at[i]);
	}
	if (one->vm.runner_given)
		demands_print(&one->vm);
	r = screen_end();
	return configured_refused(one) ? EXIT_REFUSED : r;
}

int verb_cat(const struct call *call)
{
	OWNED(drop_configuration) struct configuration c = { 0 };
	OWNED(drop_str) char *name = NULL;
	struct configured *one;
	int r = configuration_of(call->arguments[0], &name, &c, &one);

	return r == EXIT_DONE ? print(call, &c, one) : r;
}
