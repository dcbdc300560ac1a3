/* SPDX-License-Identifier: MIT */
/* root-tree.h: what install-microvm makes of [root]: the image of its tree, and an initrd with what the
 * user's one lacks for it. Verbs report by themselves and return an enum exit_code. */
#pragma once

#include "../common/log.h"
#include "../config/model.h"

#include <sys/types.h>

/* Makes both, or leaves them as they are where nothing has changed that they are made of. The state folder
 * exists; what is made in it is the user's. */
int root_install(const struct microvm *vm, uid_t uid, gid_t gid);

/* Logs "[root] ...", returns EXIT_REFUSED. */
#define root_fail(...) log_refusal("[root] " __VA_ARGS__)

/* Where install works. */
struct root_work {
	const struct microvm *vm;
	int tree;  /* the source; without what is mounted below it */
	int state; /* the state folder */
	uid_t uid;
	gid_t gid;
};

int root_make_image(const struct root_work *w);
int root_make_initrd(const struct root_work *w);
