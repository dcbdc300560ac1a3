/* SPDX-License-Identifier: MIT */
/* companions.h: the units that prepare the host for one MicroVM, each an instance of a template of its
 * own. A MicroVM has those that it needs and no others: what is loaded costs every reload. */
#pragma once

#include "../common/text.h"
#include "../config/arguments.h"

struct companion {
	const char *template; /* "install-microvm" for install-microvm@NAME.service */
	const char *helper;   /* the program, in HELPERDIR */
	const char *prefix;   /* of ExecStart=, systemd.service(5) */
	/* Below its RuntimeDirectory=, "/run/microvm-tap", there is NAME as long as it is active. The MicroVM
	 * asserts that instead of requiring the unit: it is bound to the MicroVM, so it is stopped when the
	 * hypervisor ends, and through Requires= that stop would come back and forbid the automatic restart.
	 * NULL: required. */
	const char *proof;
	enum audience audience;
	bool (*wanted)(const struct microvm *vm);
	/* Adds to the [Unit] and to the [Service] section of its drop-in; NULL: nothing. */
	void (*unit)(struct text *u, const struct microvm *vm);
	void (*service)(struct text *u, const struct microvm *vm);
};

extern const struct companion companions[];
extern const size_t companion_count;

/* Whether it is one of the MicroVM's, and is stopped when the hypervisor ends. */
bool companion_is_bound(const struct companion *c, const struct microvm *vm);

/* Its folder, for one that has a proof, and its unit; free() by the caller. */
char *companion_folder(const struct companion *c, const struct microvm *vm);
char *companion_name(const struct companion *c, const struct microvm *vm);

/* Whether the MicroVM keeps anything on disk. */
bool needs_state_dir(const struct microvm *vm);

/* RequiresMountsFor= of the state folder and the images, and of MORE. */
void unit_mounts(struct text *u, const struct microvm *vm, const struct words *more);
