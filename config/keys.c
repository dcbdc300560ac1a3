/* SPDX-License-Identifier: MIT */
#include "keys.h"

#include "types.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Does not compile when the field's type is not the one that the key's type writes. */
#define FIELD_OFFSET(STRUCT, FIELD, CTYPE) \
	(offsetof(STRUCT, FIELD) + \
	 0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((STRUCT *)0)->FIELD), CTYPE) ? 1 : -1]))

#define SECTION(KIND, NAME, STRUCT, ...) \
	typedef STRUCT struct_##KIND; \
	static const struct key keys_##KIND[] = {
#define KEY(KIND, NAME, TYPE, FIELD, FALLBACK, RULES, MANUAL) \
	{ NAME, &type_##TYPE, FIELD_OFFSET(struct_##KIND, FIELD, field_##TYPE), FALLBACK, RULES, MANUAL },
#define END(KIND) };
#include "keys.def"

const struct section_kind section_kinds[] = {
#define SECTION(KIND, NAME, STRUCT, MEMBER, LONGEST, MANUAL) \
	{ NAME, sizeof(STRUCT), offsetof(struct microvm, MEMBER), LONGEST, keys_##KIND, \
	  sizeof(keys_##KIND) / sizeof(struct key), MANUAL },
#define KEY(...)
#define END(...)
#include "keys.def"
};

const size_t section_kind_count = sizeof(section_kinds) / sizeof(*section_kinds);

const struct section_kind *section_kind_find(const char *name, size_t length)
{
	for (size_t i = 0; i < section_kind_count; i++)
		if (*section_kinds[i].name == *name && strncmp(section_kinds[i].name, name, length) == 0 &&
		    !section_kinds[i].name[length])
			return &section_kinds[i];
	return NULL;
}

const struct key *key_find(const struct section_kind *kind, const char *name)
{
	for (size_t i = 0; i < kind->count; i++)
		if (*kind->keys[i].name == *name && strcmp(kind->keys[i].name, name) == 0)
			return &kind->keys[i];
	return NULL;
}

bool section_sets(const struct section *s, const char *key)
{
	return key_place(must(key_find(s->kind, key)), s)->file;
}

int section_id_check(const struct spot *spot, const struct section_kind *kind, const char *id)
{
	size_t n = id ? strlen(id) : 0;

	if (kind->longest == 0 && id)
		return problem(spot, "[%s %s]: this section has no ID, write [%s]", kind->name, id,
			       kind->name);
	if (kind->longest == 0)
		return 0;
	if (!id)
		return problem(spot, "[%s]: an ID is missing, write [%s ID]", kind->name, kind->name);
	if (n < 1 || n > kind->longest ||
	    strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != n ||
	    *id == '.' || *id == '-')
		return problem(spot, "[%s %s]: '%s' is not an ID of 1 to %zu letters, digits, '.', '_' "
			       "and '-' that begins with a letter, digit or '_'", kind->name, id, id,
			       kind->longest);
	return 0;
}

static void section_init(struct section *s, const struct section_kind *kind, const char *id)
{
	*s = (struct section){
		.kind = kind,
		.id = id ? text_copy(id) : NULL,
		.keys = must(calloc(kind->count, sizeof(struct place))),
	};
}

static void section_drop(struct section *s)
{
	for (size_t i = 0; i < s->kind->count; i++)
		if (s->kind->keys[i].type->drop)
			s->kind->keys[i].type->drop(key_field(&s->kind->keys[i], s));
	free(s->id);
	free(s->keys);
}

/* Plain values that are not zero get their default by the parser that reads the files; what is text
 * is made where it is used, because it depends on names. */
static void section_defaults(struct section *s)
{
	struct problems problems = { 0 };

	for (size_t i = 0; i < s->kind->count; i++) {
		const struct key *key = &s->kind->keys[i];
		struct spot spot = { .problems = &problems, .section = s, .key = key };

		/* A default that is a sentence is no value: what it tells is made elsewhere. */
		if (!key->fallback || key->type->drop || strchr(key->fallback, ' '))
			continue;
		if (key->type->parse(&spot, key->fallback, key_field(key, s)) < 0)
			must(NULL);
	}
}

/* Parsing the defaults once a kind, not once a section: they are most of the keys of a small file. */
static const void *section_prototype(const struct section_kind *kind)
{
	static void *prototypes[sizeof(section_kinds) / sizeof(*section_kinds)];
	void **at = &prototypes[kind - section_kinds];

	if (!*at) {
		*at = must(calloc(1, kind->size));
		section_init(*at, kind, NULL);
		section_defaults(*at);
		free(((struct section *)*at)->keys);
	}
	return *at;
}

static struct section *section_new(struct sections *list, const struct section_kind *kind,
				   const char *id)
{
	struct section *s = must(malloc(kind->size));

	memcpy(s, section_prototype(kind), kind->size);
	section_init(s, kind, id);
	list->at = must(reallocarray(list->at, list->count + 1, sizeof(*list->at)));
	list->at[list->count++] = s;
	return s;
}

struct section *microvm_section(struct microvm *vm, const struct section_kind *kind, const char *id)
{
	void *member = (char *)vm + kind->offset;
	struct sections *list = member;

	if (kind->longest == 0)
		return member;
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->at[i]->id, id) == 0)
			return list->at[i];
	return section_new(list, kind, id);
}

void microvm_init(struct microvm *vm, const char *name)
{
	memcpy(vm, section_prototype(&section_kinds[0]), sizeof(*vm));
	vm->name = text_copy(name);
	for (size_t i = 0; i < section_kind_count; i++) {
		const struct section_kind *kind = &section_kinds[i];
		void *member = (char *)vm + kind->offset;

		if (kind->longest > 0)
			continue;
		if (i > 0)
			memcpy(member, section_prototype(kind), kind->size);
		section_init(member, kind, NULL);
	}
}

void drop_microvm(struct microvm *vm)
{
	if (!vm->name)
		return;
	for (size_t i = section_kind_count; i-- > 0;) {
		const struct section_kind *kind = &section_kinds[i];
		void *member = (char *)vm + kind->offset;
		struct sections *list = member;

		if (kind->longest == 0) {
			section_drop(member);
			continue;
		}
		for (size_t j = 0; j < list->count; j++) {
			section_drop(list->at[j]);
			free(list->at[j]);
		}
		free(list->at);
	}
	free(vm->name);
	free(vm->runner_given);
	drop_words(&vm->package_files);
	vm->name = NULL;
}

/* "%i" is the MicroVM's name, "%%" a percent sign. */
static int expand(const struct spot *spot, const char *value, struct text *ret)
{
	text_add(ret, "");
	for (; *value; value++) {
		if (*value != '%')
			text_add_bytes(ret, value, 1);
		else if (*++value == 'i')
			text_add(ret, spot->name);
		else if (*value == '%')
			text_add_bytes(ret, "%", 1);
		else
			return problem(spot, "'%%%.1s' means nothing here; write %%i for the MicroVM's "
				       "name and %%%% for a percent sign", value);
	}
	return 0;
}

int key_set_literal(const struct spot *spot, struct section *s, const char *value)
{
	const struct type *type = spot->key->type;
	void *field = key_field(spot->key, s);
	int r = 0;

	if (!*value && type->list)
		type->drop(field);
	else if (!*value && !type->empty)
		return problem(spot, "a value is missing");
	else
		r = type->parse(spot, value, field);
	if (r == 0)
		*key_place(spot->key, s) = spot->place;
	return r;
}

int key_set(const struct spot *spot, struct section *s, const char *value)
{
	struct text expanded = { 0 };
	int r;

	if (!spot->key->type->expands || !strchr(value, '%'))
		return key_set_literal(spot, s, value);
	r = expand(spot, value, &expanded);
	if (r == 0)
		r = key_set_literal(spot, s, expanded.at);
	drop_text(&expanded);
	return r;
}
