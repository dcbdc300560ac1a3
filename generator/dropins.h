/* SPDX-License-Identifier: MIT */
/* dropins.h: the drop-ins for the instances of the template units (units/), and their links. */
#pragma once

#include "sink.h"
#include "../config/problems.h"

/* What microvm-shutdown needs beyond the time that the guest has: to connect, to tell, to end. */
#define STOP_RESERVE_SECONDS 15

/* Who a MicroVM that runs now runs as, as the owner of its folder in /run tells; -1: it does not run. */
struct running {
	long uid;
	unsigned long stop_seconds; /* what its stop may take; 0: not known */
	bool stops_inside;	    /* its hypervisor is one that cannot ask the guest to shut down */
};

/* A MicroVM that can be started. The digest is of all its drop-ins, and stands in that of microvm@.service,
 * from where the start notes it: one that runs with another than it has now is not what its file says.
 * Returns 0 or -errno, as all of these. */
int dropins_write(const struct sink *sink, const struct microvm *vm, const struct running *running, uint64_t *digest);

/* A MicroVM whose configuration is refused: starting it prints the lines and fails. What runs can still
 * be stopped. */
int dropins_write_broken(const struct sink *sink, const struct microvm *vm,
			 const struct running *running, const struct words *lines);

/* A MicroVM that runs and whose configuration is gone. */
int dropins_write_removed(const struct sink *sink, const char *name, const struct running *running);
