/* SPDX-License-Identifier: MIT */
#include "model.h"

#include "../common/owned.h"
#include "../common/text.h"

#include <inttypes.h>
#include <string.h>

char *microvm_state_dir(const struct microvm *vm)
{
	if (vm->state_dir && *vm->state_dir)
		return text_copy(vm->state_dir);
	return text_format("/var/lib/microvms/%s", vm->name);
}

char *microvm_socket(const struct microvm *vm)
{
	if (!vm->socket)
		return text_format("/run/microvm/%s/control.sock", vm->name);
	return *vm->socket ? text_copy(vm->socket) : NULL;
}

char *volume_path(const struct microvm *vm, const struct volume *v)
{
	char *dir = NULL, *path;

	if (v->image && *v->image == '/')
		return text_copy(v->image);
	dir = microvm_state_dir(vm);
	path = v->image ? text_format("%s/%s", dir, v->image) :
			  text_format("%s/%s.img", dir, v->section.id);
	drop_str(&dir);
	return path;
}

char *share_source(const struct microvm *vm, const struct share *s)
{
	OWNED(drop_str) char *dir = microvm_state_dir(vm);

	return *s->source == '/' ? text_copy(s->source) : text_format("%s/%s", dir, s->source);
}

char *share_socket(const struct microvm *vm, const struct share *s)
{
	return s->socket ? text_copy(s->socket) :
			   text_format("/run/microvm-virtiofsd/%s:%s", vm->name, s->section.id);
}

const char *volume_serial(const struct volume *v)
{
	return v->serial ? v->serial : v->section.id;
}

enum fs_type volume_fs_type(const struct volume *v)
{
	return v->image_type == IMAGE_RAW ? v->fs_type : FS_NONE;
}

/* FNV-1a, 32 bits: names that are cut stay apart, nothing more is asked of it. */
static uint32_t name_hash(const char *name)
{
	uint32_t hash = 2166136261;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619;
	return hash;
}

char *microvm_user_of(const char *name)
{
	if (strlen(name) <= 28)
		return text_format("vm-%s", name);
	return text_format("vm-%.19s-%08" PRIx32, name, name_hash(name));
}
