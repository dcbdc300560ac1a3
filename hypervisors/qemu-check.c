/* SPDX-License-Identifier: MIT */
#include "qemu.h"

#include "limits.h"
#include "parts.h"

#include "../common/owned.h"
#include "../config/keys.h"

#include <string.h>

enum {
	KERNEL_COMMAND_LINE = 2047, /* COMMAND_LINE_SIZE of x86 - 1; the guest hangs with more */
	PCI_SLOTS = 30,		    /* of q35: 32 without those of the chipset */
	TAG_9P_LENGTH = 31,
};

static void check_mem(const struct microvm *vm, struct problems *problems)
{
	if (vm->mem < 32ull << 20)
		warning_in(problems, &vm->section, "mem",
			   "a guest with less than 32M hardly boots; write mem=64M or more");
	if (vm->mem == 2048ull << 20)
		warning_in(problems, &vm->section, "mem",
			   "guests with exactly 2048M are known to hang in qemu; write mem=2047M or "
			   "mem=2049M");
}

static void check_command_line(const struct microvm *vm, struct problems *problems)
{
	/* Where nothing is known of KVM yet, the longer of the two. */
	const struct launch launch = { .architecture = HOST_ARCHITECTURE };
	struct qemu_machine m = qemu_machine_of(vm, &launch);
	OWNED(drop_str) char *line = qemu_kernel_line(vm, &m);

	check_kernel_line(line, KERNEL_COMMAND_LINE, vm, problems);
}

static void check_hotplug(const struct microvm *vm, struct problems *problems)
{
	const char *machine = vm->qemu.machine;

	if (vm->hotplug_mem == 0)
		return;
	if (machine && strcmp(machine, "microvm") == 0)
		problem_in(problems, &vm->section, "hotplugMem", "memory hotplug does not work in the machine "
								 "microvm; leave [qemu] machine out, or write "
								 "q35");
	if (vm->hotplug_mem % (2 << 20) != 0)
		problem_in(problems, &vm->section, "hotplugMem", "is not a multiple of 2M");
	if (vm->hotplugged_mem % (2 << 20) != 0)
		problem_in(problems, &vm->section, "hotpluggedMem", "is not a multiple of 2M");
}

/* What takes a slot although it is no virtio device: root ports, of which each device has its own
 * unless the user names one, and the USB controller. */
static size_t other_slots(const struct microvm *vm)
{
	size_t ret = vm->qemu.pcie_root_ports + microvm_has_device(vm, BUS_USB);

	for (each(struct device, d, vm->devices))
		ret += d->bus == BUS_PCI && !d->qemu_bus;
	return ret;
}

static void check_devices(const struct microvm *vm, struct problems *problems)
{
	const size_t most = PCI_SLOTS - qemu_own_devices(vm);
	const size_t have = qemu_device_count(vm) - qemu_own_devices(vm) + other_slots(vm);

	if (have > most)
		problem_in(problems, &vm->section, NULL,
			   "%zu volumes, interfaces, shares, devices and PCIe root ports are more than the "
			   "%zu that fit into the machine",
			   have, most);
}

static void check_machine_opts(const struct microvm *vm, struct problems *problems)
{
	for (size_t i = 0; i < vm->qemu.machine_opts.count; i++)
		if (!strchr(vm->qemu.machine_opts.at[i], '='))
			problem_in(problems, &vm->qemu.section, "machineOpts",
				   "'%s' is not an option such as acpi=on", vm->qemu.machine_opts.at[i]);
}

/* Of the network that qemu makes: what the address is for. */
static bool is_in_user_network(const char *address)
{
	return strncmp(address, "10.0.2.", 7) == 0 && strcmp(address, "10.0.2.2") != 0 &&
	       strcmp(address, "10.0.2.3") != 0;
}

static void check_address(const struct forward_port *f, const char *key, const char *address,
			  struct problems *problems)
{
	if (address && strchr(address, ':'))
		problem_in(problems, &f->section, key, "'%s': qemu forwards ports of IPv4 alone", address);
}

static void check_forward_ports(const struct microvm *vm, struct problems *problems)
{
	for (each(struct forward_port, f, vm->forward_ports)) {
		check_address(f, "host.address", f->host_address, problems);
		check_address(f, "guest.address", f->guest_address, problems);
		if (f->from == FORWARD_GUEST && f->guest_address && !strchr(f->guest_address, ':') &&
		    !is_in_user_network(f->guest_address))
			problem_in(problems, &f->section, "guest.address", "'%s' is not a free address of "
				   "qemu's network 10.0.2.0/24, such as 10.0.2.100", f->guest_address);
	}
}

void qemu_check(const struct microvm *vm, struct problems *problems)
{
	check_mem(vm, problems);
	check_command_line(vm, problems);
	check_serials(vm, problems);
	check_tags(vm, SHARE_9P, TAG_9P_LENGTH, problems);
	check_hotplug(vm, problems);
	qemu_check_credentials(vm, problems);
	check_devices(vm, problems);
	check_machine_opts(vm, problems);
	check_forward_ports(vm, problems);
}
