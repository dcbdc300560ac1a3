/* SPDX-License-Identifier: MIT */
/* interfaces.h: what the programs that make a MicroVM's interfaces on the host have in common. */
#pragma once

#include "mark.h"
#include "../config/model.h"

struct making {
	const struct microvm *vm;
	struct netlink *nl;
	struct links links; /* of the host, before anything was made */
	struct mark mark;
	uint64_t usec; /* how long to wait for what is not there yet */
};

struct maker {
	const char *usage;
	const char *kind;
	bool (*makes)(const struct interface *i);
	/* Whether one that is there with our mark can stay; NULL: none can. */
	bool (*fits)(const struct making *m, const struct interface *i, const struct link *l);
	/* Makes it, or with an index above 0 sets up the one that stays. Logs what is wrong and
	 * returns an exit code. */
	int (*make)(struct making *m, const struct interface *i, int index);
};

/* NAME WORD…, --stop NAME, or --not-configured NAME */
int interfaces_main(const struct maker *maker, char **argv);

/* Another interface, below or above ours: waits for it, says so, or says that it does not come. */
int interface_await(struct making *m, const struct interface *i, const char *key, const char *name,
		    unsigned flags, struct link *ret);
