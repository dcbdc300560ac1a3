/* SPDX-License-Identifier: MIT */
/* firecracker: few options, a JSON file that says all of the guest, and HTTP while it runs. */
#include "hypervisor.h"

#include "limits.h"
#include "parts.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../config/keys.h"

#include <inttypes.h>
#include <string.h>

enum {
	KERNEL_COMMAND_LINE = 2047, /* CMDLINE_MAX_SIZE - 1 */
	ADDED_TO_IT = 8,	    /* " pci=off" */
	MOST_VCPUS = 32,
	MTU_LEAST = 68,
	MTU_MOST = 65535,
	SLOT_MIB = 128, /* virtio-mem comes and goes in blocks of this */
};

/* The controller of a keyboard is there for the reboot, which is what ends firecracker, and for
 * Ctrl-Alt-Del, which is how the guest is asked for it. */
static const char kernel_defaults[] =
	"console=ttyS0 reboot=k panic=-1 i8042.noaux i8042.nomux i8042.dumbkbd";

static void text_value(struct words *values, const char *path, const char *value)
{
	words_addf(values, "%s=%s", path, value);
}

static void bool_value(struct words *values, const char *path, bool value)
{
	words_addf(values, "%s:=%s", path, value ? "true" : "false");
}

static void number_value(struct words *values, const char *path, uint64_t value)
{
	words_addf(values, "%s:=%" PRIu64, path, value);
}

static void mib_value(struct words *values, const char *path, uint64_t bytes)
{
	number_value(values, path, bytes >> 20);
}

static void add_boot_source(const struct microvm *vm, struct words *values)
{
	OWNED(drop_str) char *line = kernel_line(kernel_defaults, vm);

	if (vm->kernel)
		text_value(values, "boot-source.kernel_image_path", vm->kernel);
	if (vm->initrd_path)
		text_value(values, "boot-source.initrd_path", vm->initrd_path);
	text_value(values, "boot-source.boot_args", line);
}

static void add_machine(const struct microvm *vm, struct words *values)
{
	number_value(values, "machine-config.vcpu_count", vm->vcpu);
	mib_value(values, "machine-config.mem_size_mib", vm->mem);
	if (vm->hugepage_mem)
		text_value(values, "machine-config.huge_pages", "2M");
	if (vm->firecracker.cpu)
		text_value(values, "cpu-config", vm->firecracker.cpu);
}

/* IDs are of letters, digits and '_' where the API names them. */
static void add_drive(const struct microvm *vm, const struct volume *v, size_t number,
		      struct words *values)
{
	static const char *const engines[IO_ENGINES] = { "Sync", "Async" };
	OWNED(drop_str) char *path = volume_path(vm, v);

	words_addf(values, "drives.%zu.drive_id=volume%zu", number, number);
	words_addf(values, "drives.%zu.path_on_host=%s", number, path);
	/* What the guest's root is, its kernel parameters say. */
	words_addf(values, "drives.%zu.is_root_device:=false", number);
	words_addf(values, "drives.%zu.is_read_only:=%s", number, v->read_only ? "true" : "false");
	/* The other, "Unsafe", is the default: what the guest has flushed would be lost with the
	 * host. */
	words_addf(values, "drives.%zu.cache_type=Writeback", number);
	words_addf(values, "drives.%zu.io_engine=%s", number,
		   engines[vm->firecracker.drive_io_engine]);
}

static void add_interface(const struct interface *i, size_t number, struct words *values)
{
	words_addf(values, "network-interfaces.%zu.iface_id=interface%zu", number, number);
	words_addf(values, "network-interfaces.%zu.host_dev_name=%s", number, i->section.id);
	words_addf(values, "network-interfaces.%zu.guest_mac=%s", number, i->mac);
	if (i->mtu > 0)
		words_addf(values, "network-interfaces.%zu.mtu:=%u", number, i->mtu);
}

static void add_balloon(const struct microvm *vm, const struct launch *launch, struct words *values)
{
	if (!vm->balloon)
		return;
	mib_value(values, "balloon.amount_mib", vm->initial_balloon_mem);
	bool_value(values, "balloon.deflate_on_oom", vm->deflate_on_oom);
	if (launch->release >= RELEASE(1, 14))
		bool_value(values, "balloon.free_page_reporting", true);
}

static void add_vsock(const struct microvm *vm, const struct launch *launch, struct words *values)
{
	OWNED(drop_str) char *socket = hypervisor_vsock_socket(vm, launch->dir);

	if (!vm->vsock.cid)
		return;
	words_addf(values, "vsock.guest_cid:=%s", vm->vsock.cid);
	text_value(values, "vsock.uds_path", socket);
}

static void firecracker_config(const struct microvm *vm, const struct launch *launch,
			       struct words *values)
{
	size_t number = 0;

	add_boot_source(vm, values);
	add_machine(vm, values);
	/* Has to be there, be it empty. */
	words_add(values, "drives:=[]");
	for (each(struct volume, v, vm->volumes))
		add_drive(vm, v, number++, values);
	number = 0;
	for (each(struct interface, i, vm->interfaces))
		add_interface(i, number++, values);
	add_balloon(vm, launch, values);
	add_vsock(vm, launch, values);
	if (vm->hotplug_mem > 0)
		mib_value(values, "memory-hotplug.total_size_mib", vm->hotplug_mem);
	words_add(values, "entropy:={}");
}

static void firecracker_command(const struct microvm *vm, const struct launch *launch,
				struct words *argv)
{
	words_add(argv, launch->program);
	words_add(argv, "--id");
	words_add(argv, vm->name);
	words_add(argv, "--config-file");
	words_add(argv, launch->config);
	if (launch->control) {
		words_add(argv, "--api-sock");
		words_add(argv, launch->control);
	} else {
		words_add(argv, "--no-api");
	}
	words_add_all(argv, &vm->firecracker.extra_args);
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
	check_whole_mib(vm, problems);
	if (vm->hugepage_mem && vm->mem % (2 << 20) != 0)
		problem_in(problems, &vm->section, "mem",
			   "is not a multiple of 2M, the size of a huge page");
	if (vm->initial_balloon_mem % (1 << 20) != 0)
		problem_in(problems, &vm->section, "initialBalloonMem",
			   "firecracker takes no parts of a MiB");
	if (vm->hotplug_mem % ((uint64_t)SLOT_MIB << 20) != 0)
		problem_in(problems, &vm->section, "hotplugMem", "is not a multiple of %dM",
			   SLOT_MIB);
	if (vm->hotplug_mem > 0 &&
	    (vm->hotplugged_mem > 0 || !section_sets(&vm->section, "hotpluggedMem")))
		problem_in(problems, &vm->section, "hotpluggedMem",
			   "firecracker starts with nothing of hotplugMem plugged in; write "
			   "hotpluggedMem=0, and plug it through the control socket");
}

static void firecracker_check(const struct microvm *vm, struct problems *problems)
{
	OWNED(drop_str) char *line = kernel_line(kernel_defaults, vm);

	check_kernel_line(line, KERNEL_COMMAND_LINE - ADDED_TO_IT, vm, problems);
	check_vcpus(vm, MOST_VCPUS, problems);
	check_memory(vm, problems);
	check_mtus(vm, problems);
}

static void check_kernel(const struct microvm *vm, unsigned release, struct problems *problems)
{
	if (vm->kernel && release < RELEASE(1, 17) &&
	    kernel_image(vm->kernel).format == KERNEL_BZIMAGE)
		problem_in(problems, &vm->section, "kernel",
			   "%s is a compressed image; firecracker boots the "
			   "ELF file that it was made of, vmlinux, and others only from 1.17 on",
			   vm->kernel);
}

static void firecracker_check_release(const struct microvm *vm, unsigned release,
				      struct problems *problems)
{
	check_kernel(vm, release, problems);
	if (vm->hugepage_mem)
		check_too_old(vm, &vm->section, "hugepageMem", release, RELEASE(1, 7), problems);
	if (vm->hotplug_mem > 0)
		check_too_old(vm, &vm->section, "hotplugMem", release, RELEASE(1, 14), problems);
	if (vm->firecracker.cpu)
		check_too_old(vm, &vm->firecracker.section, "cpu", release, RELEASE(1, 13), problems);
	for (each(struct interface, i, vm->interfaces))
		if (i->mtu > 0)
			check_too_old(vm, &i->section, "mtu", release, RELEASE(1, 16), problems);
}

static const char *firecracker_config_over(const struct microvm *vm)
{
	return vm->firecracker.extra_config;
}

static void firecracker_files(const struct microvm *vm, struct words *paths)
{
	if (vm->firecracker.cpu)
		words_add(paths, vm->firecracker.cpu);
	if (vm->firecracker.extra_config)
		words_add(paths, vm->firecracker.extra_config);
}

static const char *firecracker_package(const struct microvm *vm)
{
	return vm->firecracker.package;
}

/* How far it has got would be in its statistics, which have to be switched on before the start. */
static const struct balloon balloon = {
	.ask = "GET /balloon",
	.wanted = "amount_mib",
	.set = "PATCH /balloon {\"amount_mib\":%ju}",
	.unit = 1 << 20,
};

const struct hypervisor hypervisor_firecracker = {
	.name = "firecracker",
	.program = "firecracker",
	.vsock_socket = true,
	.can = CAN(HUGEPAGES) | CAN(BALLOON) | CAN(INITIAL_BALLOON) | CAN(DEFLATE_ON_OOM) |
	       CAN(VIRTIO_MEM) | CAN(CONTROL_SOCKET) | CAN(NET_TAP) | CAN(NET_BRIDGE) | CAN(MTU) |
	       CAN(VSOCK) | CAN(GUEST_READINESS),
	.protocol = PROTOCOL_HTTP,
	.ask_status = "GET /",
#ifdef __x86_64__
	/* Elsewhere there is no such keyboard. */
	.ask_poweroff = "PUT /actions {\"action_type\":\"SendCtrlAltDel\"}",
#endif
	.balloon = &balloon,
	.ask_release = "--version",
	/* Exit code 0 is a guest's reboot; one that powers off halts, and firecracker stays. */
	.restart = "always",
	.package = firecracker_package,
	.check = firecracker_check,
	.check_release = firecracker_check_release,
	.command = firecracker_command,
	.config = firecracker_config,
	.config_over = firecracker_config_over,
	.files = firecracker_files,
};
