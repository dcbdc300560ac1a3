/* SPDX-License-Identifier: MIT */
#include "merged.h"

#include "../common/owned.h"
#include "../common/text.h"
#include "../config/keys.h"

#include <string.h>

void drop_merged(struct merged *m)
{
	drop_entries(&m->kept);
	drop_words(&m->sections);
}

char *merged_heading(const char *section, const char *id)
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
	OWNED(drop_str) char *a = merged_heading(kept->section, kept->id);
	OWNED(drop_str) char *b = merged_heading(e->section, e->id);

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

static void section_add(struct merged *m, const struct entry *e)
{
	OWNED(drop_str) char *section = merged_heading(e->section, e->id);

	if (!words_have(&m->sections, section))
		words_add(&m->sections, section);
}

void merged_set(struct merged *m, const struct entry *e)
{
	section_add(m, e);
	forget(&m->kept, e);
	entries_add(&m->kept, e);
}

static void merge(void *context, const struct entry *e)
{
	struct merged *m = context;

	section_add(m, e);
	if (!e->key)
		return;
	if (!is_list(e) || !*e->value)
		forget(&m->kept, e);
	entries_add(&m->kept, e);
}

void merged_read(const struct sources *sources, const struct source *source, bool wanted,
		 struct merged *ret)
{
	OWNED(drop_problems) struct problems told_before = { 0 };
	struct sources some = *sources;

	if (!wanted)
		some.defaults = (struct entries){ 0 };
	(void)source_entries(&some, source, &told_before, merge, ret);
}

static void section_text(const struct merged *m, const char *section,
			 const struct merged_style *style, struct text *ret)
{
	text_addf(ret, "%s%s%s\n", style->heading, section, style->off);
	for (size_t i = 0; i < m->kept.count; i++) {
		const struct kept_entry *e = &m->kept.at[i];
		OWNED(drop_str) char *of = merged_heading(e->section, e->id);

		if (strcmp(of, section) != 0)
			continue;
		text_addf(ret, "%s# %s", style->place, e->place.file);
		if (e->place.line > 0)
			text_addf(ret, ":%u", e->place.line);
		text_addf(ret, "%s\n%s = %s\n", style->off, e->key, e->value);
	}
}

void merged_text(const struct merged *m, const struct merged_style *style, struct text *ret)
{
	for (size_t i = 0; i < m->sections.count; i++) {
		text_add(ret, i > 0 ? "\n" : "");
		section_text(m, m->sections.at[i], style, ret);
	}
}
