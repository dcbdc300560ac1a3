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
	if (vm->runner)
		return NULL;
	if (!vm->socket)
		return text_format("/run/microvm/%s/control.sock", vm->name);
	return *vm->socket ? text_copy(vm->socket) : NULL;
}

/* The folder of udev's links for a tag, and in *ret_value what stands behind the tag; NULL for what
 * is a path. */
static const char *tag_folder(const char *image, const char **ret_value)
{
	static const struct {
		const char *tag, *folder;
	} tags[] = {
		{ "LABEL=", "/dev/disk/by-label" },
		{ "UUID=", "/dev/disk/by-uuid" },
		{ "PARTLABEL=", "/dev/disk/by-partlabel" },
		{ "PARTUUID=", "/dev/disk/by-partuuid" },
	};

	for (size_t i = 0; image && i < sizeof(tags) / sizeof(*tags); i++) {
		size_t n = strlen(tags[i].tag);

		if (strncmp(image, tags[i].tag, n) == 0) {
			*ret_value = image + n;
			return tags[i].folder;
		}
	}
	return NULL;
}

/* As udev writes a value into a link's name: what is neither plain nor a character beyond ASCII
 * becomes \xNN. */
static char *udev_name(const char *folder, const char *value)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "#+-.:=@_";
	struct text t = { 0 };

	text_addf(&t, "%s/", folder);
	while (*value) {
		size_t n = strspn(value, plain);

		if (n == 0 && (unsigned char)*value >= 0x80)
			n = text_shown_length(value);
		if (n == 0)
			text_addf(&t, "\\x%02x", (unsigned char)*value);
		else
			text_add_bytes(&t, value, n);
		value += n ? n : 1;
	}
	return t.at;
}

bool volume_is_device(const struct volume *v)
{
	const char *value;

	return v->image && (strncmp(v->image, "/dev/", 5) == 0 || tag_folder(v->image, &value));
}

char *volume_path(const struct microvm *vm, const struct volume *v)
{
	const char *value, *folder = tag_folder(v->image, &value);
	char *dir = NULL, *path;

	if (folder)
		return udev_name(folder, value);
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

bool share_has_own_socket(const struct microvm *vm, const struct share *s)
{
	return s->socket && !vm->runner;
}

char *share_socket(const struct microvm *vm, const struct share *s)
{
	return share_has_own_socket(vm, s) ?
		       text_copy(s->socket) :
		       text_format("/run/microvm-virtiofsd/%s:%s", vm->name, s->section.id);
}

bool microvm_has_device(const struct microvm *vm, enum bus bus)
{
	for (each(struct device, d, vm->devices))
		if (d->bus == bus)
			return true;
	return false;
}

const char *volume_serial(const struct volume *v)
{
	return v->serial ? v->serial : v->section.id;
}

enum fs_type volume_fs_type(const struct volume *v)
{
	return v->image_type == IMAGE_RAW ? v->fs_type : FS_NONE;
}

uint32_t name_hash(const char *name)
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
