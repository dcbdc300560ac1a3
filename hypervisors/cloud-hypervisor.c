/* SPDX-License-Identifier: MIT */
/* cloud-hypervisor: lists of keys on the command line, HTTP while it runs. One option is followed
 * by all of its values, as every release from 36 on reads it. */
#include "hypervisor.h"

#include "limits.h"
#include "parts.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../config/keys.h"

#include <string.h>

enum {
	KERNEL_COMMAND_LINE = 2047, /* COMMAND_LINE_SIZE of x86 - 1 */
	TAG_LENGTH = 36,	    /* of virtiofs */
	PCI_SLOTS = 31,		    /* without the host bridge */
	MTU_LEAST = 1280,
	MTU_MOST = 65535,
	HOTPLUG_MIB = 128, /* virtio-mem comes in blocks of this */
	OLDEST = 36,
};

static const unsigned takes_image_type = RELEASE(51, 0);

/* A reboot happens inside of the process; what the guest is attached to stays. */
#ifdef __aarch64__
static const char kernel_defaults[] = "console=" UART " panic=-1";
#else
static const char kernel_defaults[] = "console=" UART " reboot=t panic=-1";
#endif

/* ",KEY=VALUE", in quotes where the value has what would end it. */
static void add_value(struct text *t, const char *key, const char *value)
{
	OWNED(drop_str) char *safe = quoted(value, ",[]\" \t");

	text_addf(t, "%s%s=%s", t->length > 0 ? "," : "", key, safe);
}

static void add_number(struct text *t, const char *key, unsigned value)
{
	text_addf(t, "%s%s=%u", t->length > 0 ? "," : "", key, value);
}

static void add_bytes(struct text *t, const char *key, uint64_t bytes)
{
	text_addf(t, "%s%s=", t->length > 0 ? "," : "", key);
	add_size(t, bytes);
}

static void add_option(struct words *argv, const char *option, struct text *value)
{
	words_add(argv, option);
	words_take(argv, MOVE(value->at));
}

/* Memory that is not plugged in is there for the guest to ask for. */
static void add_hotplug(struct text *t, const struct microvm *vm)
{
	if (vm->hotplug_mem == 0)
		return;
	add_value(t, "hotplug_method", "virtio-mem");
	add_bytes(t, "hotplug_size", vm->hotplug_mem);
	add_bytes(t, "hotplugged_size",
		  section_sets(&vm->section, "hotpluggedMem") ? vm->hotplugged_mem
							      : vm->hotplug_mem);
}

static void add_memory(const struct microvm *vm, struct words *argv)
{
	struct text t = { 0 };

	add_bytes(&t, "size", vm->mem);
	if (shares_memory(vm))
		add_value(&t, "shared", "on");
	if (vm->hugepage_mem)
		add_value(&t, "hugepages", "on");
	add_hotplug(&t, vm);
	add_option(argv, "--memory", &t);
}

static void add_balloon(const struct microvm *vm, struct words *argv)
{
	struct text t = { 0 };

	if (!vm->balloon)
		return;
	add_bytes(&t, "size", vm->initial_balloon_mem);
	add_value(&t, "deflate_on_oom", on_off(vm->deflate_on_oom));
	add_value(&t, "free_page_reporting", "on");
	add_option(argv, "--balloon", &t);
}

static void add_platform(const struct microvm *vm, const struct launch *launch, struct words *argv)
{
	const struct words *strings = &vm->cloud_hypervisor.platform_oem_strings;
	struct text t = { 0 };

	add_value(&t, launch->release >= RELEASE(53, 0) ? "system_uuid" : "uuid", vm->machine_id);
	for (size_t i = 0; i < strings->count; i++)
		text_addf(&t, "%s%s", i ? "," : ",oem_strings=[", strings->at[i]);
	if (strings->count > 0)
		text_add(&t, "]");
	add_option(argv, "--platform", &t);
}

static void add_boot(const struct microvm *vm, struct words *argv)
{
	if (vm->firmware) {
		words_add(argv, "--firmware");
		words_add(argv, vm->firmware);
		return;
	}
	words_add(argv, "--kernel");
	words_add(argv, vm->kernel);
	if (vm->initrd_path) {
		words_add(argv, "--initramfs");
		words_add(argv, vm->initrd_path);
	}
	words_add(argv, "--cmdline");
	words_take(argv, kernel_line(kernel_defaults, vm));
}

static char *disk(const struct microvm *vm, const struct volume *v, const struct launch *launch)
{
	static const char *const types[IMAGE_TYPES] = { "raw", "qcow2", "vhd", "vhdx" };
	OWNED(drop_str) char *path = volume_path(vm, v);
	struct text t = { 0 };

	add_value(&t, "path", path);
	/* Left to find out by itself, it refuses writes to the first sector. */
	if (launch->release >= takes_image_type)
		add_value(&t, "image_type", types[v->image_type]);
	add_value(&t, "readonly", on_off(v->read_only));
	add_value(&t, "direct", on_off(v->direct));
	add_number(&t, "num_queues", vm->vcpu);
	add_value(&t, "serial", volume_serial(v));
	return t.at;
}

static void add_queues(struct text *t, const struct microvm *vm, const struct interface *i,
		       const struct launch *launch)
{
	const struct queues *q = interface_queues(launch, i);

	if (i->type != NET_MACVTAP) {
		add_value(t, "tap", i->section.id);
		add_number(t, "num_queues", 2 * hypervisor_queues(vm));
		return;
	}
	for (size_t n = 0; n < q->count; n++)
		text_addf(t, "%s%d", n ? "," : "fd=[", q->fds[n]);
	text_add(t, "]");
	add_number(t, "num_queues", 2 * (unsigned)q->count);
}

static char *net(const struct microvm *vm, const struct interface *i, const struct launch *launch)
{
	struct text t = { 0 };

	add_queues(&t, vm, i, launch);
	add_value(&t, "mac", i->mac);
	if (i->mtu > 0)
		add_number(&t, "mtu", i->mtu);
	return t.at;
}

static char *fs(const struct microvm *vm, const struct share *s)
{
	OWNED(drop_str) char *socket = share_socket(vm, s);
	struct text t = { 0 };

	add_value(&t, "tag", s->section.id);
	add_value(&t, "socket", socket);
	add_number(&t, "num_queues", 1);
	add_number(&t, "queue_size", 1024);
	return t.at;
}

static void add_vsock(const struct microvm *vm, const struct launch *launch, struct words *argv)
{
	OWNED(drop_str) char *socket = hypervisor_vsock_socket(vm, launch->dir);
	struct text t = { 0 };

	if (!vm->vsock.cid)
		return;
	add_value(&t, "cid", vm->vsock.cid);
	add_value(&t, "socket", socket);
	add_option(argv, "--vsock", &t);
}

static void add_pci(const struct microvm *vm, struct words *argv)
{
	bool told = false;

	for (each(struct device, d, vm->devices)) {
		if (!device_is_given(d))
			continue;
		if (!told)
			words_add(argv, "--device");
		told = true;
		words_addf(argv, "path=/sys/bus/pci/devices/%s/", d->path);
	}
}

static void add_devices(const struct microvm *vm, const struct launch *launch, struct words *argv)
{
	if (vm->volumes.count > 0)
		words_add(argv, "--disk");
	for (each(struct volume, v, vm->volumes))
		words_take(argv, disk(vm, v, launch));
	if (vm->interfaces.count > 0)
		words_add(argv, "--net");
	for (each(struct interface, i, vm->interfaces))
		words_take(argv, net(vm, i, launch));
	if (vm->shares.count > 0)
		words_add(argv, "--fs");
	for (each(struct share, s, vm->shares))
		words_take(argv, fs(vm, s));
	add_vsock(vm, launch, argv);
	add_pci(vm, argv);
}

static void add_control(const struct launch *launch, struct words *argv)
{
	struct text t = { 0 };

	if (!launch->control)
		return;
	add_value(&t, "path", launch->control);
	add_option(argv, "--api-socket", &t);
}

static void cloud_hypervisor_command(const struct microvm *vm, const struct launch *launch,
				     struct words *argv)
{
	words_add(argv, launch->program);
	words_add(argv, "--cpus");
	words_addf(argv, "boot=%u", vm->vcpu);
	add_memory(vm, argv);
	add_balloon(vm, argv);
	add_platform(vm, launch, argv);
	add_boot(vm, argv);
	/* The other console would write to the same output. */
	words_add(argv, "--console");
	words_add(argv, "off");
	words_add(argv, "--serial");
	words_add(argv, "tty");
	add_control(launch, argv);
	add_devices(vm, launch, argv);
	words_add_all(argv, &vm->cloud_hypervisor.extra_args);
}

static void check_devices(const struct microvm *vm, struct problems *problems)
{
	/* One is the source of random numbers. */
	size_t most = PCI_SLOTS - 1 - vm->balloon - (vm->hotplug_mem > 0) - (vm->vsock.cid != NULL);
	size_t have =
		vm->volumes.count + vm->interfaces.count + vm->shares.count + vm->devices.count;

	if (have > most)
		problem_in(problems, &vm->section, NULL,
			   "%zu volumes, interfaces, shares and devices are more than the %zu that "
			   "fit into the machine",
			   have, most);
}

static void check_mtus(const struct microvm *vm, struct problems *problems)
{
	for (each(struct interface, i, vm->interfaces))
		if (i->mtu > 0 && (i->mtu < MTU_LEAST || i->mtu > MTU_MOST))
			problem_in(problems, &i->section, "mtu", "'%u' is not between %d and %d",
				   i->mtu, MTU_LEAST, MTU_MOST);
}

static void check_memory(const struct microvm *vm, struct problems *problems)
{
	if (vm->hugepage_mem && vm->mem % (2 << 20) != 0)
		problem_in(problems, &vm->section, "mem",
			   "is not a multiple of 2M, the size of a huge page");
	if (vm->hotplug_mem % ((uint64_t)HOTPLUG_MIB << 20) != 0)
		problem_in(problems, &vm->section, "hotplugMem", "is not a multiple of %dM",
			   HOTPLUG_MIB);
}

static void check_oem_strings(const struct microvm *vm, struct problems *problems)
{
	const struct words *strings = &vm->cloud_hypervisor.platform_oem_strings;

	for (size_t i = 0; i < strings->count; i++)
		if (!*strings->at[i] || strpbrk(strings->at[i], ",[]\" \t"))
			problem_in(problems, &vm->cloud_hypervisor.section, "platformOEMStrings",
				   "'%s': cloud-hypervisor has no way to write blanks, commas, "
				   "quotes and brackets in it; for a credential write "
				   "io.systemd.credential.binary:NAME= and the value in base64",
				   strings->at[i]);
}

static void cloud_hypervisor_check(const struct microvm *vm, struct problems *problems)
{
	OWNED(drop_str) char *line = kernel_line(kernel_defaults, vm);

	check_kernel_or_firmware(vm, problems);
	check_kernel_line(line, KERNEL_COMMAND_LINE, vm, problems);
	check_memory(vm, problems);
	check_serials(vm, problems);
	check_tags(vm, SHARE_VIRTIOFS, TAG_LENGTH, problems);
	check_devices(vm, problems);
	check_mtus(vm, problems);
	check_oem_strings(vm, problems);
}

static void cloud_hypervisor_check_release(const struct microvm *vm, unsigned release,
					   struct problems *problems)
{
	if (release < RELEASE(OLDEST, 0))
		problem_in(problems, &vm->section, "hypervisor",
			   "cloud-hypervisor %u.%u is installed, and "
			   "%d is the oldest that this works with",
			   release >> 16, release & 0xffff, OLDEST);
}

static int cloud_hypervisor_prepare(const struct microvm *vm, const struct launch *launch)
{
	return launch->release < takes_image_type ? refuse_other_images(vm) : EXIT_DONE;
}

static const char *cloud_hypervisor_package(const struct microvm *vm)
{
	return vm->cloud_hypervisor.package;
}

static const struct balloon balloon = {
	.ask = "GET /api/v1/vm.info",
	.left = "memory_actual_size",
	.wanted = "config.balloon.size",
	.counts_plugged = true,
	.set = "PUT /api/v1/vm.resize {\"desired_balloon\":%ju}",
	.unit = 1,
};

const struct hypervisor hypervisor_cloud_hypervisor = {
	.name = "cloud-hypervisor",
	.terminal = true,
	.program = "cloud-hypervisor",
	.multi_queue = true,
	.vsock_socket = true,
	.can = CAN(HUGEPAGES) | CAN(VIRTIO_MEM) | CAN(BALLOON) | CAN(INITIAL_BALLOON) |
	       CAN(DEFLATE_ON_OOM) | CAN(MACHINE_ID) | CAN(CONTROL_SOCKET) | CAN(FIRMWARE) | CAN(NET_TAP) |
	       CAN(NET_MACVTAP) | CAN(NET_BRIDGE) | CAN(MTU) | CAN(IMAGE_QCOW2) | CAN(IMAGE_VHD) |
	       CAN(IMAGE_VHDX) | CAN(DIRECT) | CAN(SERIAL) | CAN(SHARE_VIRTIOFS) | CAN(PCI) |
	       CAN(VSOCK) | CAN(GUEST_READINESS),
	.protocol = PROTOCOL_HTTP,
	.ask_status = "GET /api/v1/vm.info",
	.ask_poweroff = "PUT /api/v1/vm.power-button",
	.ask_reset = "PUT /api/v1/vm.reboot",
	.balloon = &balloon,
	.ask_release = "--version",
	/* A reboot happens inside, and who serves its shares is started again by their sockets; a
	 * poweroff is exit code 0, a crash another. */
	.restart = "on-failure",
	.package = cloud_hypervisor_package,
	.check = cloud_hypervisor_check,
	.check_release = cloud_hypervisor_check_release,
	.command = cloud_hypervisor_command,
	.prepare = cloud_hypervisor_prepare,
};
