/* SPDX-License-Identifier: MIT */
#include "device-claim.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../config/arguments.h"

#include <stdarg.h>

int device_refuse(const struct device *d, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_line(LEVEL_ERROR, "[device %s] %s %s", d->section.id,
		 d->path ? d->path : d->sriov_parent, text);
	return EXIT_REFUSED;
}

bool device_user(struct stat *ret)
{
	const char *folder = getenv("RUNTIME_DIRECTORY");

	return folder && stat(folder, ret) == 0;
}

static int claim_all(const struct device_claimer *claimer, const struct microvm *vm)
{
	struct stat user;
	int r = EXIT_DONE;

	if (!device_user(&user)) {
		log_line(LEVEL_ERROR,
			 "$RUNTIME_DIRECTORY does not name a folder of the MicroVM's user, as %s "
			 "makes it",
			 claimer->unit);
		return EXIT_CALLED_WRONGLY;
	}
	for (each(struct device, d, vm->devices))
		if (d->bus == claimer->bus && claimer->claim(vm, d, &user) != EXIT_DONE)
			r = EXIT_REFUSED;
	if (r == EXIT_DONE && claimer->claimed)
		claimer->claimed(vm);
	return r;
}

int devices_claim(const struct device_claimer *claimer, const char *name, char **words)
{
	OWNED(drop_microvm) struct microvm vm;
	int r = arguments_microvm(&vm, name, words);

	return r == EXIT_DONE ? claim_all(claimer, &vm) : r;
}
