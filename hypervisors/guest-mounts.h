/* SPDX-License-Identifier: MIT */
/* guest-mounts.h: mountPoint= as the guest's systemd (254 and later) takes it from the kernel's
 * command line, so that nothing in the guest has to be changed. */
#pragma once

#include "../common/text.h"
#include "../config/model.h"

/* Adds a blank and a systemd.mount-extra= (systemd-fstab-generator(8)) for each mountPoint. */
void guest_mounts_add(struct text *line, const struct microvm *vm);

/* The node of a volume in the guest: by serial number where there is one, because letters follow the order in
 * which the guest finds its disks. free() by the caller. */
char *guest_device(const struct microvm *vm, const struct volume *v);
/* The disk of that number, counted from 0, by its letter; free() by the caller. */
char *guest_disk(size_t i);
/* What mount(8) calls the volume's file system. */
const char *guest_fs(const struct volume *v);

/* With which a guest mounts a 9p share. */
#define GUEST_9P_OPTIONS "trans=virtio,version=9p2000.L,msize=262144"
