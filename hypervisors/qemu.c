/* SPDX-License-Identifier: MIT */
#include "qemu.h"

#include "parts.h"

#include "../common/log.h"
#include "../common/owned.h"

enum {
	COMM_LENGTH = 15, /* TASK_COMM_LEN - 1 */
	CONSOLE_SET = 1,  /* of descriptors */
};

/* A value for a list of options that commas separate: a comma in it is written twice. */
char *qemu_text(const char *value)
{
	struct text t = { 0 };

	text_add(&t, "");
	for (; *value; value++)
		text_add_bytes(&t, *value == ',' ? ",," : value, *value == ',' ? 2 : 1);
	return t.at;
}

/* The kind that fits the machine's bus; properties are ",KEY=VALUE" or empty, and owned from now on. */
void qemu_add_virtio(const struct qemu_command *c, const char *name, char *properties)
{
	words_add(c->argv, "-device");
	words_addf(c->argv, "virtio-%s-%s%s", name,
		   c->machine.pci ? "pci,disable-legacy=on" : "device", properties);
	free(properties);
}

static void add_name(const struct qemu_command *c)
{
	struct text t = { 0 };

	text_addf(&t, "guest=%s,debug-threads=on", c->vm->name);
	if (c->vm->pretty_procnames) {
		OWNED(drop_str) char *comm = text_format("microvm@%s", c->vm->name);

		text_addf(&t, ",process=%.*s", COMM_LENGTH, comm);
	}
	words_add(c->argv, "-name");
	words_take(c->argv, t.at);
}

static void add_kernel(const struct qemu_command *c)
{
	if (!c->vm->kernel)
		return;
	words_add(c->argv, "-kernel");
	words_add(c->argv, c->vm->kernel);
	if (c->vm->initrd_path) {
		words_add(c->argv, "-initrd");
		words_add(c->argv, c->vm->initrd_path);
	}
	words_add(c->argv, "-append");
	words_take(c->argv, qemu_kernel_line(c->vm, &c->machine));
}

static bool qemu_console(const struct microvm *vm)
{
	return vm->qemu.serial_console;
}

static void add_console(const struct qemu_command *c)
{
	struct text t = { 0 };

	if (!qemu_console(c->vm))
		return;
	text_add(&t, "stdio,id=console,signal=off");
	if (c->launch->console > 0) {
		words_add(c->argv, "-add-fd");
		words_addf(c->argv, "fd=%d,set=%d", c->launch->console, CONSOLE_SET);
		text_addf(&t, ",logfile=/dev/fdset/%d,logappend=on", CONSOLE_SET);
	}
	words_add(c->argv, "-chardev");
	words_take(c->argv, t.at);
	words_add(c->argv, "-serial");
	words_add(c->argv, "chardev:console");
}

static void add_control(const struct qemu_command *c)
{
	OWNED(drop_str) char *path = NULL;

	if (!c->launch->control)
		return;
	path = qemu_text(c->launch->control);
	words_add(c->argv, "-qmp");
	words_addf(c->argv, "unix:%s,server=on,wait=off", path);
}

/* A guest that has the driver tells its panic, and qemu ends with exit code 1. */
static void add_panic(const struct qemu_command *c)
{
	words_add(c->argv, "-device");
	words_add(c->argv, c->machine.architecture == ARCHITECTURE_X86_64 ? "pvpanic" : "pvpanic-pci");
	words_add(c->argv, "-action");
	words_add(c->argv, "panic=exit-failure");
}

/* Such a port is a program that qemu starts for each connection. */
static bool spawns(const struct microvm *vm)
{
	for (each(struct forward_port, f, vm->forward_ports))
		if (f->from == FORWARD_GUEST)
			return true;
	return false;
}

static void add_sandbox(const struct qemu_command *c)
{
	/* A new session, which such a program gets, counts as a privilege. Mesa's threads choose
	 * their CPUs. */
	const char *programs = spawns(c->vm) ? "allow" : "deny";

	words_add(c->argv, "-sandbox");
	words_addf(c->argv, "on,obsolete=deny,elevateprivileges=%s,spawn=%s,resourcecontrol=%s", programs,
		   programs, qemu_has_gl(c) ? "allow" : "deny");
}

static void qemu_command(const struct microvm *vm, const struct launch *launch, struct words *argv)
{
	struct qemu_command c = { vm, launch, qemu_machine_of(vm, launch), argv };

	words_add(argv, launch->program);
	words_add(argv, "-nodefaults");
	words_add(argv, "-no-user-config");
	qemu_add_display(&c);
	add_name(&c);
	qemu_add_machine(&c);
	qemu_add_guest_size(&c);
	words_add(argv, "-uuid");
	words_add(argv, vm->machine_id);
	qemu_add_firmware(&c);
	add_kernel(&c);
	add_console(&c);
	add_control(&c);
	for (each(struct volume, v, vm->volumes))
		qemu_add_volume(&c, v);
	for (each(struct interface, i, vm->interfaces))
		qemu_add_interface(&c, i);
	for (each(struct share, s, vm->shares))
		qemu_add_share(&c, s);
	for (each(struct credential, credential, vm->credentials))
		qemu_add_credential(&c, credential);
	qemu_add_devices(&c);
	qemu_add_graphics(&c);
	qemu_add_virtio(&c, "rng", text_copy(""));
	qemu_add_vsock(&c);
	qemu_add_balloon(&c);
	qemu_add_hotplug(&c);
	add_panic(&c);
	add_sandbox(&c);
	words_add_all(argv, &vm->qemu.extra_args);
}

static const char *qemu_package(const struct microvm *vm)
{
	return vm->qemu.package;
}

static int qemu_prepare(const struct microvm *vm, const struct launch *launch)
{
	int r = qemu_prepare_graphics(vm, launch);

	if (r == EXIT_DONE)
		r = qemu_prepare_credentials(vm, launch);
	return r == EXIT_DONE ? qemu_prepare_firmware(vm, launch) : r;
}

static const struct emulator emulators[ARCHITECTURES] = {
	[ARCHITECTURE_X86_64] = { "qemu-system-x86_64", "qemu-system-x86" },
	[ARCHITECTURE_AARCH64] = { "qemu-system-aarch64", "qemu-system-arm" },
};

static const struct balloon balloon = {
	.ask = "query-balloon",
	.left = "actual",
	.set = "balloon {\"value\":%ju}",
	.sets_left = true,
	.unit = 1,
};

const struct hypervisor hypervisor_qemu = {
	.name = "qemu",
	.emulators = emulators,
	.multi_queue = true,
	.names_process = true,
	.takes_vsock = true,
	.can = CAN(HUGEPAGES) | CAN(VIRTIO_MEM) | CAN(BALLOON) | CAN(DEFLATE_ON_OOM) |
	       CAN(MACHINE_ID) | CAN(CONTROL_SOCKET) | CAN(CPU_MODEL) | CAN(FIRMWARE) |
	       CAN(GRAPHICS) | CAN(GRAPHICS_WINDOW) | CAN(MTU) | CAN(NET_USER) | CAN(NET_TAP) |
	       CAN(NET_MACVTAP) | CAN(NET_BRIDGE) | CAN(VHOST_NET) | CAN(FORWARD_PORT) |
	       CAN(IMAGE_QCOW2) | CAN(IMAGE_VHD) | CAN(IMAGE_VHDX) | CAN(DIRECT) | CAN(SERIAL) |
	       CAN(SHARE_9P) | CAN(SHARE_VIRTIOFS) | CAN(CREDENTIAL_PATH) | CAN(CREDENTIAL_ENCRYPTED) |
	       CAN(CREDENTIAL_VALUE) | CAN(PCI) | CAN(USB) | CAN(VSOCK) | CAN(GUEST_READINESS),
	.protocol = PROTOCOL_QMP,
	.ask_status = "query-status",
	.ask_poweroff = "system_powerdown",
	.ask_reset = "system_reset",
	.balloon = &balloon,
	/* A reboot happens inside of qemu, a poweroff is exit code 0, a crash or panic another. */
	.restart = "on-failure",
	.package = qemu_package,
	.check = qemu_check,
	.command = qemu_command,
	.prepare = qemu_prepare,
	.settings = qemu_graphics_settings,
	.console = qemu_console,
};
