/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "root.h"
#include "../common/owned.h"
#include "../hypervisors/hypervisor.h"

#include <string.h>

/* Keys that mean nothing for the type that is chosen. */
static void check_flags(const struct root *root, struct problems *p)
{
	if (root->type != ROOT_EROFS && section_sets(&root->section, "erofsFlags"))
		problem_in(p, &root->section, "erofsFlags", "is for type=erofs; leave it out");
	if (root->type != ROOT_SQUASHFS && section_sets(&root->section, "squashfsFlags"))
		problem_in(p, &root->section, "squashfsFlags", "is for squashfs; write type=squashfs");
}

/* Shared while the host goes on changing it, with all that is mounted on it: the guest would see neither
 * one system nor a safe one. */
static void check_source(const struct microvm *vm, struct problems *p)
{
	const struct section *s = &vm->root.section;
	const char *source = vm->root.source;
	OWNED(drop_str) char *state = microvm_state_dir(vm);

	if (root_is_host(vm) && !root_is_image(vm))
		problem_in(p, s, "source", "the host's own system can only be copied into an image; write "
					   "type=erofs or type=squashfs");
	if (strncmp(source, "/tmp/", 5) == 0 || strncmp(source, "/var/tmp/", 9) == 0)
		problem_in(p, s, "source", "'%s' is where old files are removed; write a folder elsewhere",
			   source);
	if (strcmp(source, state) == 0)
		problem_in(p, s, "source", "'%s' is the folder in which the MicroVM keeps what is made of "
					   "it; write a folder elsewhere", source);
}

static void check_boot(const struct microvm *vm, struct problems *p)
{
	static const char *const told[] = { "root=", "rootfstype=", "rootflags=", "boot=" };
	const struct words *params = &vm->kernel_params;

	if (!vm->kernel && section_sets(&vm->section, "firmware"))
		problem_in(p, &vm->root.section, NULL, "needs [microvm] kernel: on its command line stands what "
						       "the root is");
	if (root_has_overlay(vm) && (!vm->initrd_path || !*vm->initrd_path))
		problem_in(p, &vm->root.section, "overlay", "is set up by an initrd; set [microvm] initrdPath");
	for (size_t i = 0; i < params->count; i++)
		for (size_t j = 0; j < sizeof(told) / sizeof(*told); j++)
			if (strncmp(params->at[i], told[j], strlen(told[j])) == 0)
				problem_in(p, &vm->section, "kernelParams", "'%s' is what [root] is to say; leave "
									    "it out", params->at[i]);
	if (words_have(params, "rw"))
		problem_in(p, &vm->section, "kernelParams", "'rw': the tree of [root] is never written to; leave it "
							    "out, and see [root] overlay");
}

static void check_overlay(const struct microvm *vm, struct problems *p)
{
	const struct section *s = &vm->root.section;
	const char *overlay = vm->root.overlay;
	const struct volume *v = root_overlay(vm);

	if (!root_has_overlay(vm) || strcmp(overlay, "tmpfs") == 0)
		return;
	if (!v)
		problem_in(p, s, "overlay", "'%s' is neither none nor tmpfs nor the ID of a [volume]", overlay);
	else if (v->read_only)
		problem_in(p, s, "overlay", "[volume %s] is readOnly, and is to take what the guest writes",
			   overlay);
	else if (volume_fs_type(v) == FS_NONE || volume_fs_type(v) == FS_VFAT)
		problem_in(p, s, "overlay", "[volume %s] has to hold a file system with owners and modes; set its "
					    "fsType to ext4", overlay);
	else if (v->mount_point)
		problem_in(p, &v->section, "mountPoint", "the volume is mounted already, as overlay of [root]; "
							 "leave it out");
}

/* The guest knows what [root] adds by this name. */
static void check_names(const struct microvm *vm, struct problems *p)
{
	for (each(struct volume, v, vm->volumes))
		if (root_owns(vm, &v->section))
			problem_in(p, &v->section, NULL, "the ID is that of the volume that [root] makes; choose "
							 "another");
		else if (root_is_image(vm) && strcmp(volume_serial(v), ROOT_ID) == 0)
			problem_in(p, &v->section, "serial", "'%s' is that of the volume that [root] makes; "
							     "choose another", ROOT_ID);
	for (each(struct share, s, vm->shares))
		if (root_owns(vm, &s->section))
			problem_in(p, &s->section, NULL, "the tag is that of the share that [root] makes; choose "
							 "another");
}

static void check_ability(const struct microvm *vm, struct problems *p)
{
	if (!root_is_image(vm))
		hypervisor_check_ability(vm, &vm->root.section, "type",
					 vm->root.type == ROOT_9P ? CAN_SHARE_9P : CAN_SHARE_VIRTIOFS, p);
}

bool microvm_check_root(const struct microvm *vm, struct problems *problems)
{
	const struct section *s = &vm->root.section;
	size_t before = problems->errors.count;

	if (!s->place.file)
		return true;
	if (!root_is_set(vm)) {
		problem_in(problems, s, "source", "is missing; write the folder that holds the tree");
		return false;
	}
	check_flags(&vm->root, problems);
	check_source(vm, problems);
	check_boot(vm, problems);
	check_overlay(vm, problems);
	check_names(vm, problems);
	check_ability(vm, problems);
	return problems->errors.count == before;
}
