/* SPDX-License-Identifier: MIT */
#include "root.h"

#include "keys.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <stdlib.h>
#include <string.h>

bool root_is_set(const struct microvm *vm)
{
	return vm->root.source && *vm->root.source;
}

bool root_is_image(const struct microvm *vm)
{
	return root_is_set(vm) && (vm->root.type == ROOT_EROFS || vm->root.type == ROOT_SQUASHFS);
}

bool root_is_host(const struct microvm *vm)
{
	return root_is_set(vm) && vm->root.source[strspn(vm->root.source, "/")] == '\0';
}

bool root_owns(const struct microvm *vm, const struct section *s)
{
	const char *kind = root_is_image(vm) ? "volume" : "share";

	return root_is_set(vm) && s->id && strcmp(s->id, ROOT_ID) == 0 && strcmp(s->kind->name, kind) == 0;
}

bool root_has_overlay(const struct microvm *vm)
{
	return root_is_set(vm) && vm->root.overlay && strcmp(vm->root.overlay, "none") != 0;
}

const struct volume *root_overlay(const struct microvm *vm)
{
	if (root_has_overlay(vm))
		for (each(struct volume, v, vm->volumes))
			if (strcmp(v->section.id, vm->root.overlay) == 0)
				return v;
	return NULL;
}

const char *root_fs_name(const struct microvm *vm)
{
	static const char *const names[ROOT_TYPES] = { "erofs", "squashfs", "virtiofs", "9p" };

	return names[vm->root.type];
}

char *root_file(const struct microvm *vm, const char *name)
{
	OWNED(drop_str) char *state = microvm_state_dir(vm);

	return text_format("%s/%s", state, name);
}

/* As if it stood in the file, where [root] source does. */
static void set(struct microvm *vm, struct section *s, const char *key, const char *value)
{
	const struct section_kind *kind = section_kind_find("root", strlen("root"));
	struct problems none = { 0 };
	struct spot spot = { .problems = &none, .section = s, .key = key_find(s->kind, key),
			     .place = *key_place(key_find(kind, "source"), &vm->root.section),
			     .name = vm->name };

	s->place = spot.place;
	if (key_set_literal(&spot, s, value) < 0)
		must(NULL);
}

void root_expand(struct microvm *vm)
{
	const char *name = root_is_image(vm) ? "volume" : "share";
	struct section *s;

	if (!root_is_set(vm))
		return;
	s = microvm_section(vm, section_kind_find(name, strlen(name)), ROOT_ID);
	set(vm, s, "readOnly", "yes");
	if (root_is_image(vm)) {
		set(vm, s, "image", ROOT_IMAGE);
		set(vm, s, "fsType", "none");
		set(vm, s, "autoCreate", "no");
	} else {
		set(vm, s, "source", vm->root.source);
		set(vm, s, "proto", root_fs_name(vm));
		/* Below an overlay nothing may change anyway, and a guest that asks again for each name takes three times as
		 * long to boot. */
		if (vm->root.type == ROOT_VIRTIOFS && root_has_overlay(vm))
			set(vm, s, "cache", "always");
	}
}
