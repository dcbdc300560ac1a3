/* SPDX-License-Identifier: MIT */
/* device-claim.h: what the programs that give devices of the host to a MicroVM have in common. */
#pragma once

#include "../config/model.h"

#include <sys/stat.h>

struct device_claimer {
	enum bus bus;
	const char *unit; /* that calls it */
	/* Gives it to the user. Logs what is wrong and returns an exit code. */
	int (*claim)(const struct microvm *vm, struct device *d, const struct stat *user);
	/* Once all are given; NULL: nothing. */
	void (*claimed)(const struct microvm *vm);
};

/* NAME WORD…: all devices of the bus are tried, so that one start tells all that is wrong. */
int devices_claim(const struct device_claimer *claimer, const char *name, char **words);

/* The MicroVM's user, as the owner of the unit's RuntimeDirectory=: a dynamic user is no line in a file.
 * Returns false where there is no such folder. */
bool device_user(struct stat *ret);

/* Logs "[device ID] PATH FORMAT"; returns EXIT_REFUSED. */
int device_refuse(const struct device *d, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
