/* SPDX-License-Identifier: MIT */
#include "verb.h"

#include "configuration.h"
#include "findings.h"
#include "merged.h"
#include "screen.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/keys.h"

static void demand_print(const struct section *s)
{
	OWNED(drop_str) char *head = merged_heading(s->kind->name, s->id);

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
	OWNED(drop_text) struct text text = { 0 };
	int r;

	merged_read(&c->sources, one->source, true, &merged);
	screen_begin(!call_has(call, "no-pager"));
	merged_text(&merged,
		    &(struct merged_style){ screen_colour(HEAD), screen_colour(FAINT),
					    screen_colour(PLAIN) },
		    &text);
	if (text.at)
		(void)fputs(text.at, stdout);
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
