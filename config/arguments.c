/* SPDX-License-Identifier: MIT */
#include "arguments.h"

#include "keys.h"
#include "root.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <string.h>

static bool wanted(enum audience audience, const struct section_kind *kind, const struct key *key)
{
	if (audience == FOR_CONTROL)
		return key->rules & CONTROL;
	if (audience == FOR_NET)
		return key->rules & NET || (strcmp(kind->name, "interface") == 0 &&
					    strcmp(key->name, "tap.vhost") != 0);
	if (audience == FOR_VIRTIOFSD)
		return strcmp(kind->name, "microvm") != 0 ? !(key->rules & UNIT) :
							    strcmp(key->name, "stateDir") == 0;
	if (audience == FOR_USB && strcmp(key->name, "startupTimeout") == 0)
		return true;
	if (audience == FOR_PCI || audience == FOR_USB)
		return strcmp(kind->name, "device") == 0 && strncmp(key->name, "qemu.", 5) != 0;
	if (audience == FOR_ROOT)
		return key->rules & ROOT;
	if (audience == FOR_MACHINED)
		return strcmp(key->name, "machineId") == 0 ||
		       (strcmp(kind->name, "interface") == 0 && strcmp(key->name, "type") == 0);
	if (audience == FOR_RUNNER)
		return strcmp(key->name, "runner") == 0 || strcmp(key->name, "vcpu") == 0 || kind->longest > 0;
	if (audience == FOR_RUN)
		return !(key->rules & (UNIT | INSTALL | VIRTIOFSD));
	return (strcmp(kind->name, "volume") == 0 && strcmp(key->name, "mountPoint") != 0) ||
	       (strcmp(kind->name, "share") == 0 && strcmp(key->name, "source") == 0) ||
	       strcmp(key->name, "stateDir") == 0 || strcmp(key->name, "runner") == 0;
}

static void key_write(const struct section *s, const struct key *key, struct words *ret)
{
	OWNED(drop_words) struct words values = { 0 };

	key->type->print(key->type, key_field(key, s), &values);
	for (size_t i = 0; i < values.count; i++)
		words_addf(ret, "%s%s%s.%s=%s", s->kind->name, s->id ? "." : "", s->id ? s->id : "",
			   key->name, values.at[i]);
}

/* Whether the audience is to know that such a section exists. */
static bool section_told(enum audience audience, const struct section_kind *kind)
{
	return audience == FOR_RUN || (audience == FOR_INSTALL && strcmp(kind->name, "volume") == 0);
}

static void section_write(const struct section *s, enum audience audience, struct words *ret)
{
	size_t before = ret->count;

	for (size_t i = 0; i < s->kind->count; i++) {
		const struct key *key = &s->kind->keys[i];

		if (key_place(key, s)->file && wanted(audience, s->kind, key))
			key_write(s, key, ret);
	}
	/* A section that exists with all its defaults is told by its name alone. */
	if (s->id && ret->count == before && section_told(audience, s->kind))
		words_addf(ret, "%s.%s", s->kind->name, s->id);
}

void arguments_write(const struct microvm *vm, enum audience audience, struct words *ret)
{
	if (audience == FOR_INSTALL && root_is_set(vm)) {
		section_write(&vm->section, FOR_ROOT, ret);
		section_write(&vm->root.section, FOR_ROOT, ret);
	}
	for (size_t i = 0; i < section_kind_count; i++) {
		const void *member = (const char *)vm + section_kinds[i].offset;
		const struct sections *list = member;

		if (section_kinds[i].longest == 0) {
			section_write(member, audience, ret);
			continue;
		}
		for (size_t j = 0; j < list->count; j++)
			section_write(list->at[j], audience, ret);
	}
}

void arguments_write_share(const struct microvm *vm, const struct share *share, struct words *ret)
{
	section_write(&vm->section, FOR_VIRTIOFSD, ret);
	section_write(&share->section, FOR_VIRTIOFSD, ret);
	section_write(&vm->virtiofsd.section, FOR_VIRTIOFSD, ret);
}

/* The key at the end of "ID.KEY": both may hold dots, and the longest key that fits is meant (no key
 * is the end of another behind a dot). Cuts the ID off; NULL where no key fits. */
static const struct key *key_at_end(const struct section_kind *kind, char *path)
{
	for (char *dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.')) {
		const struct key *key = key_find(kind, dot + 1);

		if (key) {
			*dot = '\0';
			return key;
		}
	}
	return NULL;
}

static int value_read(struct spot *spot, struct microvm *vm, char *path, const char *value)
{
	size_t n = strcspn(path, ".");
	const struct section_kind *kind = section_kind_find(path, n);
	struct section *s;
	char *id;

	if (!kind || !path[n])
		return problem(spot, "not a section");
	id = kind->longest > 0 ? path + n + 1 : NULL;
	if (value)
		spot->key = id ? key_at_end(kind, id) : key_find(kind, path + n + 1);
	if (value && !spot->key)
		return problem(spot, "not a key");
	if (section_id_check(spot, kind, id) < 0)
		return -EINVAL;
	s = microvm_section(vm, kind, id);
	spot->section = s;
	if (!value)
		return 0;
	if (!spot->key->type->list)
		return key_set_literal(spot, s, value);
	/* An element as it is: it was split when the file was read. */
	words_add(key_field(spot->key, s), value);
	*key_place(spot->key, s) = spot->place;
	return 0;
}

static int word_read(struct microvm *vm, const char *word, struct problems *problems)
{
	OWNED(drop_str) char *path = text_copy(word);
	char *value = strchr(path, '=');
	struct spot spot = { .problems = problems, .place.file = word, .name = vm->name };

	if (value)
		*value++ = '\0';
	return value_read(&spot, vm, path, value);
}

int arguments_read(struct microvm *vm, char **words, struct problems *problems)
{
	int r = 0;

	for (; words && *words; words++)
		if (word_read(vm, *words, problems) < 0)
			r = -EINVAL;
	return r;
}

int arguments_microvm(struct microvm *vm, const char *name, char **words)
{
	OWNED(drop_problems) struct problems problems = { 0 };
	int r;

	microvm_init(vm, name);
	r = arguments_read(vm, words, &problems);
	for (size_t i = 0; i < problems.errors.count; i++)
		log_line(LEVEL_ERROR, "%s", problems.errors.at[i]);
	return r == 0 ? EXIT_DONE : EXIT_CALLED_WRONGLY;
}
