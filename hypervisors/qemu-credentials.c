/* SPDX-License-Identifier: MIT */
/* By the firmware's configuration device, which every machine has, and in files: everybody can read a command line. Where
 * the device has no room for the name, as a string of the machine (SMBIOS). */
#include "qemu.h"

#include "smbios.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <string.h>

enum { NAME_LENGTH = 28 }; /* what fw_cfg's 55 leave behind "opt/io.systemd.credentials/" */

static bool is_long(const struct credential *c)
{
	return strlen(c->section.id) > NAME_LENGTH;
}

bool qemu_needs_smbios(const struct microvm *vm)
{
	for (each(struct credential, c, vm->credentials))
		if (is_long(c))
			return true;
	return false;
}

static void add_string(const struct qemu_command *c, const struct credential *credential)
{
	OWNED(drop_str) char *path = smbios_file(c->launch, credential);
	OWNED(drop_str) char *file = qemu_text(path);

	words_add(c->argv, "-smbios");
	words_addf(c->argv, "type=11,path=%s", file);
}

static void add_file(const struct qemu_command *c, const struct credential *credential)
{
	const char *name = credential->section.id;
	OWNED(drop_str) char *path = text_format("%s/%s", c->launch->credentials, name);
	OWNED(drop_str) char *file = qemu_text(path);

	words_add(c->argv, "-fw_cfg");
	words_addf(c->argv, "name=opt/io.systemd.credentials/%s,file=%s", name, file);
}

void qemu_add_credential(const struct qemu_command *c, const struct credential *credential)
{
	if (is_long(credential))
		add_string(c, credential);
	else
		add_file(c, credential);
}

int qemu_prepare_credentials(const struct microvm *vm, const struct launch *launch)
{
	size_t used = 0;
	int r = EXIT_DONE;

	if (launch->architecture == ARCHITECTURE_AARCH64 && !vm->firmware && qemu_needs_smbios(vm)) {
		log_line(LEVEL_ERROR,
			 "a credential's name is longer than the %d bytes that a machine without "
			 "SMBIOS passes on; shorten it, or set firmware",
			 NAME_LENGTH);
		return EXIT_REFUSED;
	}
	for (each(struct credential, c, vm->credentials))
		if (r == EXIT_DONE && is_long(c))
			r = smbios_write(launch, c, &used);
	return r;
}

void qemu_check_credentials(const struct microvm *vm, struct problems *problems)
{
	const char *machine = vm->qemu.machine;

	if (!machine || strcmp(machine, "microvm") != 0)
		return;
	for (each(struct credential, c, vm->credentials))
		if (is_long(c))
			problem_in(problems, &c->section, NULL, "the name '%s' is longer than the %d bytes that the "
				   "machine microvm passes on; shorten it, leave [qemu] machine out, or write q35",
				   c->section.id, NAME_LENGTH);
}
