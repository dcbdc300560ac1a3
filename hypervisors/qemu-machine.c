/* SPDX-License-Identifier: MIT */
#include "qemu.h"

#include "parts.h"

#include "../common/owned.h"

#include <string.h>

enum { MMIO_SLOTS = 24 }; /* of the machine microvm with ACPI */

/* The source of random numbers, what memory asks for, and a GPU with a controller for its input. */
size_t qemu_own_devices(const struct microvm *vm)
{
	return 1 + 2 * vm->graphics.enable + vm->balloon + (vm->hotplug_mem > 0) + (vm->vsock.cid != NULL);
}

size_t qemu_device_count(const struct microvm *vm)
{
	return vm->volumes.count + vm->interfaces.count + vm->shares.count + qemu_own_devices(vm);
}

/* Devices of the host want slots that they can be pulled out of, which the machine microvm has not. */
static bool needs_ports(const struct microvm *vm)
{
	return microvm_has_device(vm, BUS_PCI) || vm->qemu.pcie_root_ports > 0;
}

/* Whether anything needs a bus that the machine microvm does not have by itself. */
static bool needs_pci(const struct microvm *vm)
{
	return qemu_device_count(vm) > MMIO_SLOTS || vm->devices.count > 0 || vm->graphics.enable;
}

/* The value of one of the user's options of the machine, or NULL. */
static const char *machine_option(const struct microvm *vm, const char *name)
{
	size_t n = strlen(name);
	const char *ret = NULL;

	for (size_t i = 0; i < vm->qemu.machine_opts.count; i++) {
		const char *word = vm->qemu.machine_opts.at[i];

		if (strncmp(word, name, n) == 0 && word[n] == '=')
			ret = word + n + 1;
	}
	return ret;
}

static const char *default_type(const struct microvm *vm, enum architecture architecture, bool kvm)
{
	if (architecture == ARCHITECTURE_AARCH64)
		return "virt";
	/* Emulated, the machine microvm has no clock that a kernel finds by itself; virtio-mem is taken
	 * by it, and does not work then; and it has neither SMBIOS nor flash memory. */
	return kvm && vm->hotplug_mem == 0 && !needs_ports(vm) && !qemu_needs_smbios(vm) &&
			       !vm->firmware ?
		       "microvm" :
		       "q35";
}

struct qemu_machine qemu_machine_of(const struct microvm *vm, const struct launch *launch)
{
	const char *accel = machine_option(vm, "accel"), *pcie = machine_option(vm, "pcie");
	bool kvm = launch->kvm && (!accel || strncmp(accel, "kvm", 3) == 0);
	struct qemu_machine m = { launch->architecture, vm->qemu.machine, .kvm = kvm };

	if (!m.type)
		m.type = default_type(vm, m.architecture, kvm);
	m.pci = strcmp(m.type, "microvm") != 0 ||
		(vm->qemu.machine_opts.count > 0 ? pcie && strcmp(pcie, "on") == 0 : needs_pci(vm));
	return m;
}

bool qemu_is_microvm(const struct qemu_machine *m)
{
	return strcmp(m->type, "microvm") == 0;
}

static void add_machine_opts(struct text *t, const struct qemu_machine *m, const struct words *told)
{
	for (size_t i = 0; i < told->count; i++)
		text_addf(t, ",%s", told->at[i]);
	if (told->count > 0)
		return;
	if (qemu_is_microvm(m))
		/* acpi: the power button and a poweroff that ends qemu. rtc: a guest that does not
		 * find one waits for it twice. */
		text_addf(t, ",acpi=on,pcie=%s,pit=off,pic=off,rtc=on", on_off(m->pci));
	else if (strcmp(m->type, "q35") == 0)
		text_add(t, ",vmport=off,smbus=off,sata=off,usb=off,i8042=off");
	else if (strcmp(m->type, "virt") == 0)
		/* The oldest, which is the default, is for 8 CPUs at the most. */
		text_add(t, ",gic-version=max");
}

static void add_cpu(const struct qemu_command *c)
{
	const char *model = c->machine.kvm ? "host" : "max";

	words_add(c->argv, "-cpu");
	words_add(c->argv, c->vm->cpu ? c->vm->cpu : model);
}

void qemu_add_machine(const struct qemu_command *c)
{
	const struct qemu_machine *m = &c->machine;
	struct text t = { 0 };

	text_add(&t, m->type);
	if (!machine_option(c->vm, "accel"))
		text_addf(&t, ",accel=%s", m->kvm ? "kvm" : "tcg");
	add_machine_opts(&t, m, &c->vm->qemu.machine_opts);
	if (qemu_has_flash(c))
		text_addf(&t, ",pflash0=firmware,pflash1=variables%s",
			  c->launch->firmware->guarded ? ",smm=on" : "");
	if (qemu_has_memory_backend(c->vm))
		text_add(&t, ",memory-backend=ram");
	words_add(c->argv, "-machine");
	words_take(c->argv, t.at);
	add_cpu(c);
}

char *qemu_kernel_line(const struct microvm *vm, const struct qemu_machine *m)
{
	bool x86 = m->architecture == ARCHITECTURE_X86_64;
	OWNED(drop_text) struct text t = { 0 };

	/* A reboot by triple fault works on every machine, and a panic is one that ends qemu or, in a
	 * kernel without the driver, a reboot. */
	/* The last one gets what services write. */
	if (vm->graphics.enable)
		text_add(&t, "console=tty0 ");
	if (vm->qemu.serial_console)
		text_add(&t, x86 ? "console=ttyS0 " : "console=ttyAMA0 ");
	text_add(&t, x86 ? "reboot=t panic=-1" : "panic=-1");
	if (qemu_is_microvm(m) && !m->kvm)
		/* The kernel would measure this against a timer that is not there. */
		text_add(&t, " tsc_early_khz=2000000");
	return kernel_line(t.at, vm);
}
