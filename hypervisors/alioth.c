/* SPDX-License-Identifier: MIT */
/* alioth 0.12 and what followed it until 2026-08 (alioth-cli/src/boot/boot.rs there). */
#include "limits.h"
#include "parts.h"

#include "../common/link.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <string.h>

enum {
	KERNEL_COMMAND_LINE = 2047, /* COMMAND_LINE_SIZE of x86 - 1 */
	MOST_VCPUS = 65535,
	DEFAULT_MTU = 1500,
	SLOTS = 31, /* of the one PCI bus, which is not checked there: what is too much is a panic
		     */
	OWN_DEVICES = 1, /* the source of random numbers */
};

struct command {
	const struct microvm *vm;
	const struct launch *launch;
	struct words *argv;
	unsigned objects;
};

/* Adds "KEY=VALUE" to a list. A value that would end early, or be taken for the name of an object,
 * becomes an object. */
static void add_value(struct command *c, struct text *t, const char *key, const char *value)
{
	if (!strpbrk(value, ",=") && strncmp(value, "id_", 3) != 0) {
		text_addf(t, ",%s=%s", key, value);
		return;
	}
	text_addf(t, ",%s=id_%u", key, c->objects);
	words_add(c->argv, "--object");
	words_addf(c->argv, "id_%u,%s", c->objects++, value);
}

static void add_machine(struct command *c)
{
	struct text memory = { 0 };

	words_add(c->argv, "--cpu");
	words_addf(c->argv, "count=%u", c->vm->vcpu);
	text_add(&memory, "size=");
	add_size(&memory, c->vm->mem);
	if (shares_memory(c->vm))
		text_add(&memory, ",backend=memfd");
	words_add(c->argv, "--memory");
	words_take(c->argv, memory.at);
	words_add(c->argv, "--entropy");
	if (c->vm->balloon) {
		words_add(c->argv, "--balloon");
		words_add(c->argv, "free_page_reporting=on");
	}
}

/* By ACPI a guest reboots inside of alioth, so that only its poweroff ends with 0. */
static char *command_line(const struct microvm *vm)
{
	return kernel_line("console=" UART " reboot=acpi panic=-1", vm);
}

static void add_boot(struct command *c)
{
	const struct microvm *vm = c->vm;

	if (vm->firmware) {
		words_add(c->argv, "--firmware");
		words_add(c->argv, vm->firmware);
	}
	if (!vm->kernel)
		return;
	words_add(c->argv, kernel_image(vm->kernel).format == KERNEL_ELF ? "--pvh" : "--kernel");
	words_add(c->argv, vm->kernel);
	if (vm->initrd_path) {
		words_add(c->argv, "--initramfs");
		words_add(c->argv, vm->initrd_path);
	}
	words_add(c->argv, "--cmdline");
	words_take(c->argv, command_line(vm));
}

static void add_volume(struct command *c, const struct volume *v)
{
	OWNED(drop_str) char *path = volume_path(c->vm, v);
	struct text t = { 0 };

	text_add(&t, "file");
	add_value(c, &t, "path", path);
	if (v->read_only)
		text_add(&t, ",readonly=on");
	words_add(c->argv, "--blk");
	words_take(c->argv, t.at);
}

static void add_interface(struct command *c, const struct interface *i)
{
	OWNED(drop_str) char *node = i->type == NET_MACVTAP ? macvtap_path(c->vm, i) : NULL;
	unsigned queues = hypervisor_queues(c->vm);
	struct text t = { 0 };

	text_add(&t, "tap");
	add_value(c, &t, node ? "tap" : "if", node ? node : i->section.id);
	text_addf(&t, ",mac=%s,mtu=%u", i->mac, i->mtu > 0 ? i->mtu : DEFAULT_MTU);
	if (queues > 1)
		text_addf(&t, ",queue_pairs=%u", queues);
	words_add(c->argv, "--net");
	words_take(c->argv, t.at);
}

static void add_share(struct command *c, const struct share *s)
{
	OWNED(drop_str) char *socket = share_socket(c->vm, s);
	struct text t = { 0 };

	text_add(&t, "vu");
	add_value(c, &t, "socket", socket);
	add_value(c, &t, "tag", s->section.id);
	words_add(c->argv, "--fs");
	words_take(c->argv, t.at);
}

/* By number, as /dev/vfio has them; where there is no such device, as when a command is only printed, by a name that
 * no group has. */
static char *iommu_group(const struct device *d)
{
	OWNED(drop_str) char *link = text_format("/sys/bus/pci/devices/%s/iommu_group", d->path);
	char *group = link_end(link);

	return group ? group : text_format("group-of-%s", d->path);
}

static bool shares_group(const struct device *d, const char *group)
{
	OWNED(drop_str) char *own = iommu_group(d);

	return device_is_given(d) && strcmp(own, group) == 0;
}

/* Whether one before it has brought its group along. */
static bool is_brought(const struct microvm *vm, const struct device *d, const char *group)
{
	for (each(struct device, before, vm->devices)) {
		if (before == d)
			return false;
		if (shares_group(before, group))
			return true;
	}
	return false;
}

/* A group is opened once, for all of its devices. */
static void add_card(struct command *c, const struct device *d)
{
	OWNED(drop_str) char *group = iommu_group(d);
	struct text cards = { 0 };

	if (is_brought(c->vm, d, group))
		return;
	words_add(c->argv, "--vfio-group");
	words_addf(c->argv, "path=/dev/vfio/%s,devices=id_%u", group, c->objects);
	text_addf(&cards, "id_%u", c->objects++);
	for (each(struct device, other, c->vm->devices))
		if (shares_group(other, group))
			text_addf(&cards, ",%s", other->path);
	words_add(c->argv, "--object");
	words_take(c->argv, cards.at);
}

static void add_devices(struct command *c)
{
	const struct microvm *vm = c->vm;

	for (each(struct volume, v, vm->volumes))
		add_volume(c, v);
	for (each(struct interface, i, vm->interfaces))
		add_interface(c, i);
	for (each(struct share, s, vm->shares))
		add_share(c, s);
	for (each(struct device, d, vm->devices))
		if (device_is_given(d))
			add_card(c, d);
	if (vm->vsock.cid) {
		words_add(c->argv, "--vsock");
		words_addf(c->argv, "vhost,cid=%s", vm->vsock.cid);
	}
}

static void alioth_command(const struct microvm *vm, const struct launch *launch,
			   struct words *argv)
{
	struct command c = { vm, launch, argv, 0 };

	words_add(argv, launch->program);
	words_add(argv, "boot");
	add_machine(&c);
	add_boot(&c);
	add_devices(&c);
	words_add_all(argv, &vm->alioth.extra_args);
}

static void check_devices(const struct microvm *vm, struct problems *problems)
{
	const size_t most = SLOTS - OWN_DEVICES;
	size_t have = vm->volumes.count + vm->interfaces.count + vm->shares.count +
		      vm->devices.count + (vm->vsock.cid != NULL) + vm->balloon;

	if (have > most)
		problem_in(problems, &vm->section, NULL,
			   "%zu volumes, interfaces, shares and other devices are more than the "
			   "%zu that fit "
			   "into alioth's machine",
			   have, most);
}

/* It asks for the length of a file, which a block device does not have. */
static void check_images(const struct microvm *vm, struct problems *problems)
{
	for (each(struct volume, v, vm->volumes))
		if (volume_is_device(v))
			problem_in(problems, &v->section, "image",
				   "alioth takes files, and no block devices");
}

static void alioth_check(const struct microvm *vm, struct problems *problems)
{
	OWNED(drop_str) char *line = command_line(vm);

	check_kernel_line(line, KERNEL_COMMAND_LINE, vm, problems);
	check_vcpus(vm, MOST_VCPUS, problems);
	check_devices(vm, problems);
	check_images(vm, problems);
}

static const char *alioth_package(const struct microvm *vm)
{
	return vm->alioth.package;
}

const struct hypervisor hypervisor_alioth = {
	.name = "alioth",
	.mute = true,
	.program = "alioth",
	.terminal = true,
	.multi_queue = true,
	.opens_macvtaps = true,
	.locks_volumes = true,
	.can = CAN(BALLOON) | CAN(FIRMWARE) | CAN(NET_TAP) | CAN(NET_MACVTAP) | CAN(NET_BRIDGE) | CAN(MTU) | CAN(PCI) |
	       CAN(SHARE_VIRTIOFS) | CAN(VSOCK) | CAN(GUEST_READINESS),
	.protocol = PROTOCOL_NONE,
	.ends_with = "poweroff",
	/* A reboot happens inside of it, a poweroff is exit code 0, a failure another. */
	.restart = "on-failure",
	.package = alioth_package,
	.check = alioth_check,
	.command = alioth_command,
};
