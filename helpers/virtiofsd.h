/* SPDX-License-Identifier: MIT */
/* virtiofsd.h: two programs have this name, and take different words for the same things. */
#pragma once

#include "../config/model.h"

enum virtiofsd_kind {
	VIRTIOFSD_UNKNOWN,
	VIRTIOFSD_C, /* of qemu, up to 7.2 */
	VIRTIOFSD_RUST,
};

/* By what it prints for --version. */
enum virtiofsd_kind virtiofsd_kind_of(const char *version);

/* What this one cannot do of what the share asks for, or NULL. */
const char *virtiofsd_lacks(enum virtiofsd_kind kind, const struct microvm *vm,
			    const struct share *share);

/* Adds the command line behind the program's name for the folder at PATH; the socket is
 * descriptor 3. */
void virtiofsd_command(enum virtiofsd_kind kind, const struct microvm *vm,
		       const struct share *share, const char *path, unsigned cpus,
		       struct words *argv);
