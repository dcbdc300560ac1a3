/* SPDX-License-Identifier: MIT */
/* keys.h: the table of sections and keys, which is the whole configuration language. */
#pragma once

#include "model.h"
#include "problems.h"

enum key_rules {
	REQUIRED = 1 << 0,
	DEPRECATED = 1 << 1, /* its parser says what to write instead */
	UNIT = 1 << 2,    /* ends in the units' settings: no helper needs it */
	INSTALL = 1 << 3, /* for those who prepare the host, not for microvm-run */
	CONTROL = 1 << 4, /* also for who asks the running hypervisor: microvm-ready, -shutdown */
	NET = 1 << 5, /* also for microvm-tap-interfaces and microvm-macvtap-interfaces */
	VIRTIOFSD = 1 << 6, /* for microvm-virtiofsd alone */
	ROOT = 1 << 7, /* also for install-microvm, where there is a [root] */
	RUNNER = 1 << 8, /* also where a runner package starts the hypervisor */
	SENT = 1 << 9, /* names a file or folder that goes along to another host (microvm deploy) */
	SENT_UNLESS_PACKAGED = 1 << 10, /* the same, but not what lies in /usr: that is a package's */
};

struct type {
	const char *name;
	const char *manual;
	/* Sets the field, or notes a problem and returns -EINVAL with the field as it was. */
	int (*parse)(const struct spot *spot, const char *text, void *field);
	/* Adds the values that parse() reads back to this field, one word each. */
	void (*print)(const struct type *type, const void *field, struct words *ret);
	void (*drop)(void *field); /* NULL for plain values */
	const char *const *names;  /* of a choice */
	unsigned count;
	bool expands; /* %i and %% mean something */
	bool list;    /* repeated keys append, an empty value resets */
	bool empty;   /* an empty value is a value */
};

struct key {
	const char *name;
	const struct type *type;
	size_t offset; /* of the field in the section's struct */
	const char *fallback;
	unsigned rules;
	const char *manual;
};

struct section_kind {
	const char *name;
	size_t size;
	size_t offset;   /* in struct microvm: of the section's struct, or of its struct sections */
	size_t longest;  /* bytes of an ID; 0: exists once */
	const struct key *keys;
	size_t count;
	const char *manual;
};

extern const struct section_kind section_kinds[];
extern const size_t section_kind_count;

const struct section_kind *section_kind_find(const char *name, size_t length);
const struct key *key_find(const struct section_kind *kind, const char *name);

static inline void *key_field(const struct key *key, const struct section *s)
{
	return (char *)s + key->offset;
}

static inline struct place *key_place(const struct key *key, const struct section *s)
{
	return &s->keys[key - s->kind->keys];
}

/* The section of that kind and ID, made where there is none yet. */
struct section *microvm_section(struct microvm *vm, const struct section_kind *kind, const char *id);

/* Whether the ID fits the kind; else notes a problem and returns -EINVAL. */
int section_id_check(const struct spot *spot, const struct section_kind *kind, const char *id);

/* Sets one key, with %i expanded where the type does that: notes a problem and returns -EINVAL for a
 * value that does not fit. */
int key_set(const struct spot *spot, struct section *s, const char *value);
/* The same for a value in which nothing is to be expanded any more. */
int key_set_literal(const struct spot *spot, struct section *s, const char *value);
