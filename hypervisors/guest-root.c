/* SPDX-License-Identifier: MIT */
#include "guest-root.h"

#include "guest-mounts.h"
#include "../common/owned.h"
#include "../config/root.h"

#include <string.h>

/* Without an initrd the kernel itself mounts the root, and knows no links of udev's. */
static char *root_device(const struct microvm *vm)
{
	if (!root_is_image(vm))
		return text_copy(ROOT_ID);
	for (each(struct volume, v, vm->volumes))
		if (root_owns(vm, &v->section))
			return vm->initrd_path ? guest_device(vm, v) : guest_disk(vm->volumes.count - 1);
	return text_copy(ROOT_ID);
}

/* For what came with our initrd. */
static void add_overlay(struct text *line, const struct microvm *vm)
{
	const struct volume *v = root_overlay(vm);
	OWNED(drop_str) char *device = v ? guest_device(vm, v) : NULL;

	if (v)
		text_addf(line, " microvm.overlay=%s:%s", device, guest_fs(v));
	else
		text_add(line, " microvm.overlay=tmpfs");
}

/* Which microvm-run has put in the place of the user's. */
static bool has_our_initrd(const struct microvm *vm)
{
	OWNED(drop_str) char *path = root_file(vm, ROOT_INITRD);

	return vm->initrd_path && strcmp(vm->initrd_path, path) == 0;
}

/* While files are read there is no ID yet, only a line that must not be too long. */
static const char id_to_come[] = "00000000-0000-0000-0000-000000000000";

/* The host's own system knows a name, file systems and an ID that are the host's. */
void guest_root_add(struct text *line, const struct microvm *vm)
{
	OWNED(drop_str) char *device = NULL;

	if (!root_is_set(vm))
		return;
	device = root_device(vm);
	text_addf(line, " root=%s rootfstype=%s ro", device, root_fs_name(vm));
	if (vm->root.type == ROOT_9P)
		text_add(line, " rootflags=" GUEST_9P_OPTIONS ",cache=loose");
	if (has_our_initrd(vm))
		text_add(line, " boot=microvm");
	if (root_has_overlay(vm))
		add_overlay(line, vm);
	if (root_is_host(vm))
		text_addf(line, " fstab=no systemd.hostname=%s systemd.machine_id=%s", vm->name,
			  vm->machine_id ? vm->machine_id : id_to_come);
}
