/* SPDX-License-Identifier: MIT */
#include "guest-mounts.h"

#include "hypervisor.h"
#include "../common/owned.h"

char *guest_disk(size_t i)
{
	if (i < 26)
		return text_format("/dev/vd%c", (int)('a' + i));
	return text_format("/dev/vd%c%c", (int)('a' + i / 26 - 1), (int)('a' + i % 26));
}

char *guest_device(const struct microvm *vm, const struct volume *volume)
{
	size_t i = 0;

	if (hypervisor_can(hypervisors[vm->hypervisor], CAN_SERIAL))
		return text_format("/dev/disk/by-id/virtio-%s", volume_serial(volume));
	while ((const struct volume *)vm->volumes.at[i] != volume)
		i++;
	return guest_disk(i);
}

const char *guest_fs(const struct volume *v)
{
	static const char *const types[FS_TYPES] = { "ext2", "ext3", "ext4", "xfs", "btrfs", "vfat",
						     "auto" };

	return types[volume_fs_type(v)];
}

static void add_volume(struct text *line, const struct microvm *vm, const struct volume *v)
{
	OWNED(drop_str) char *device = NULL;

	if (!v->mount_point)
		return;
	device = guest_device(vm, v);
	text_addf(line, " systemd.mount-extra=%s:%s:%s%s", device, v->mount_point, guest_fs(v),
		  v->read_only ? ":ro" : "");
}

static void add_share(struct text *line, const struct share *s)
{
	if (!s->mount_point)
		return;
	text_addf(line, " systemd.mount-extra=%s:%s:", s->section.id, s->mount_point);
	if (s->proto == SHARE_VIRTIOFS)
		text_addf(line, "virtiofs%s", s->read_only ? ":ro" : "");
	else
		text_addf(line, "9p:" GUEST_9P_OPTIONS "%s", s->read_only ? ",ro" : "");
}

void guest_mounts_add(struct text *line, const struct microvm *vm)
{
	for (each(struct volume, v, vm->volumes))
		add_volume(line, vm, v);
	for (each(struct share, s, vm->shares))
		add_share(line, s);
}
