/* SPDX-License-Identifier: MIT */
/* root.h: what [root] means. The tree reaches the guest as a volume or a share like any other, which
 * stands behind those of the file; its files in the state folder are made by install-microvm. */
#pragma once

#include "model.h"

/* The ID of that volume or share, thus its serial number or tag in the guest. */
#define ROOT_ID "root"

/* Files in the state folder: the image of the tree, and the initrd with what it lacks. */
#define ROOT_IMAGE "root.image"
#define ROOT_INITRD "root.initrd"

/* Where install-microvm@.service has the source, without what is mounted below it. */
#define ROOT_TREE "/run/microvm-tree"

bool root_is_set(const struct microvm *vm);
/* Whether the tree becomes an image; else it is shared. */
bool root_is_image(const struct microvm *vm);
/* Whether it is the host's own system. */
bool root_is_host(const struct microvm *vm);

/* Whether that is what [root] added. */
bool root_owns(const struct microvm *vm, const struct section *s);

bool root_has_overlay(const struct microvm *vm);
/* The volume that takes the guest's writes; NULL: none does. */
const struct volume *root_overlay(const struct microvm *vm);

/* What the guest's kernel calls the file system of the tree: "erofs". */
const char *root_fs_name(const struct microvm *vm);

/* Path of one of its files; free() by the caller. */
char *root_file(const struct microvm *vm, const char *name);

/* Adds the volume or share, to what microvm_check_root() has found right. */
void root_expand(struct microvm *vm);
