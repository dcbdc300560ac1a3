/* SPDX-License-Identifier: MIT */
/* qemu.h: what the files of qemu share. qemu.c has the order of the command line, qemu-PART.c its
 * parts, qemu-check.c what is refused. */
#pragma once

#include "hypervisor.h"

struct qemu_machine {
	enum architecture architecture;
	const char *type;
	bool kvm;
	bool pci; /* else virtio devices are on MMIO */
};

struct qemu_command {
	const struct microvm *vm;
	const struct launch *launch;
	struct qemu_machine machine;
	struct words *argv;
};

/* A value for a list of options that commas separate: a comma in it is written twice. free() by the
 * caller. */
char *qemu_text(const char *value);

/* Adds the kind of a virtio device that fits the machine's bus. The properties are ",KEY=VALUE" or
 * empty, and owned from now on. */
void qemu_add_virtio(const struct qemu_command *c, const char *name, char *properties);

struct qemu_machine qemu_machine_of(const struct microvm *vm, const struct launch *launch);
bool qemu_is_microvm(const struct qemu_machine *m);
void qemu_add_machine(const struct qemu_command *c);
/* free() by the caller. */
char *qemu_kernel_line(const struct microvm *vm, const struct qemu_machine *m);

/* How many virtio devices there are, and how many of them nobody has a section for: the source of
 * random numbers, and what memory and vsock ask for. */
size_t qemu_device_count(const struct microvm *vm);
size_t qemu_own_devices(const struct microvm *vm);

/* Whether the firmware is in flash memory, with its variables beside it. */
bool qemu_has_flash(const struct qemu_command *c);
void qemu_add_firmware(const struct qemu_command *c);
/* Makes the file of its variables where there is none yet. Logs, and returns an enum exit_code. */
int qemu_prepare_firmware(const struct microvm *vm, const struct launch *launch);

/* Whether a GPU of the host draws for the guest. */
bool qemu_has_gl(const struct qemu_command *c);
void qemu_add_display(const struct qemu_command *c);
void qemu_add_graphics(const struct qemu_command *c);
void qemu_graphics_settings(const struct microvm *vm, struct words *ret);
int qemu_prepare_graphics(const struct microvm *vm, const struct launch *launch); /* as above */

/* Whether the guest's memory is more than plain, and so an object, "ram". */
bool qemu_has_memory_backend(const struct microvm *vm);
void qemu_add_guest_size(const struct qemu_command *c);
void qemu_add_balloon(const struct qemu_command *c);
void qemu_add_hotplug(const struct qemu_command *c);

void qemu_add_volume(const struct qemu_command *c, const struct volume *v);
void qemu_add_interface(const struct qemu_command *c, const struct interface *i);
void qemu_add_share(const struct qemu_command *c, const struct share *s);
void qemu_add_vsock(const struct qemu_command *c);
/* Those of the host. */
void qemu_add_devices(const struct qemu_command *c);

void qemu_add_credential(const struct qemu_command *c, const struct credential *credential);
/* Whether one has a name that needs a machine with SMBIOS. */
bool qemu_needs_smbios(const struct microvm *vm);
int qemu_prepare_credentials(const struct microvm *vm, const struct launch *launch);
void qemu_check_credentials(const struct microvm *vm, struct problems *problems);

void qemu_check(const struct microvm *vm, struct problems *problems);
