/* SPDX-License-Identifier: MIT */
#include "guest-mounts.h"

#include "hypervisor.h"
#include "../common/owned.h"

/* By serial number where there is one: letters follow the order in which the guest finds its disks. */
static char *device_of(const struct microvm *vm, size_t i)
{
	const struct volume *v = (const struct volume *)vm->volumes.at[i];
	const struct hypervisor *h = hypervisors[vm->hypervisor];

	if (h && h->can & CAN(SERIAL))
		return text_format("/dev/disk/by-id/virtio-%s", volume_serial(v));
	return text_format("/dev/vd%c", (int)('a' + i));
}

static void add_volume(struct text *line, const struct microvm *vm, size_t i)
{
	static const char *const types[FS_TYPES] = { "ext2", "ext3", "ext4", "xfs", "btrfs", "vfat",
						     "auto" };
	const struct volume *v = (const struct volume *)vm->volumes.at[i];
	OWNED(drop_str) char *device = NULL;

	if (!v->mount_point)
		return;
	device = device_of(vm, i);
	text_addf(line, " systemd.mount-extra=%s:%s:%s%s", device, v->mount_point,
		  types[volume_fs_type(v)], v->read_only ? ":ro" : "");
}

static void add_share(struct text *line, const struct share *s)
{
	if (!s->mount_point)
		return;
	text_addf(line, " systemd.mount-extra=%s:%s:", s->section.id, s->mount_point);
	if (s->proto == SHARE_VIRTIOFS)
		text_addf(line, "virtiofs%s", s->read_only ? ":ro" : "");
	else
		text_addf(line, "9p:trans=virtio,version=9p2000.L,msize=262144%s", s->read_only ? ",ro" : "");
}

void guest_mounts_add(struct text *line, const struct microvm *vm)
{
	for (size_t i = 0; i < vm->volumes.count; i++)
		add_volume(line, vm, i);
	for (each(struct share, s, vm->shares))
		add_share(line, s);
}
