/* SPDX-License-Identifier: MIT */
/* inventory.h: all MicroVMs that there are on this host: with a file, running, or with nothing left
 * but their folder; and what is known of each. */
#pragma once

#include "bus.h"
#include "configuration.h"
#include "screen.h"

enum state {
	STATE_STOPPED,
	STATE_STARTING,
	STATE_RUNNING, /* the hypervisor answers */
	STATE_READY,   /* the guest has said that it is up */
	STATE_STOPPING,
	STATE_FAILED,
	STATE_BROKEN, /* does not run, and its file is refused */
	STATES,
};

struct item {
	char *name;
	const struct configured *conf; /* NULL: it has no file */
	bool folder;		       /* there is something that it keeps, or that was deployed */
	bool package;		       /* a runner package among that, which needs no file */
	struct words
		unit; /* properties of microvm@NAME.service; empty: systemd has nothing of it */
	enum state state;
	struct microvm run; /* as it was started */
	bool has_run;	    /* whether that is known: it runs, and we may look */
	uint64_t digest;    /* of what it was started with; 0: not known */
};

struct inventory {
	struct configuration configuration;
	struct item *at; /* sorted by name */
	size_t count;
};

/* All names in files and folders, sorted: what systemd alone knows is not among them. */
void inventory_names(struct words *ret);

/* Logs and returns an exit_code. */
int inventory_read(struct systemd *bus, struct inventory *ret);
void drop_inventory(struct inventory *v);

/* The same for one name, whether there is such a MicroVM or not. CONFIGURATION must outlive it. */
int item_read(struct systemd *bus, const struct configuration *configuration, const char *name,
	      struct item *ret);
void drop_item(struct item *item);

/* The units that belong to it, as far as systemd has them in memory. Logs and returns an exit_code. */
int item_units(struct systemd *bus, const struct item *item, struct listed_units *ret);

/* What runs, or else would; NULL where nobody knows. */
const struct microvm *item_microvm(const struct item *item);
/* Whether a hypervisor of it can be there. */
bool item_runs(const struct item *item);
/* It runs with something else than its file says. */
bool item_is_stale(const struct item *item);
/* It runs, and what it was made of is gone. */
bool item_is_removed(const struct item *item);
/* The runner package that it starts with next, where that is another than the one that runs; NULL: it is not. */
const char *item_next_package(const struct item *item);
/* It has a file, which is refused. */
bool item_is_broken(const struct item *item);
/* The digest of what systemd has loaded for it; 0: nothing of ours. */
uint64_t item_loaded_digest(const struct item *item);
/* There is nothing of that name. */
bool item_is_nothing(const struct item *item);

const char *state_name(enum state state);
enum colour state_colour(enum state state);
/* Why it failed, in words; NULL for any other state; free() by the caller. */
char *item_reason(const struct item *item);
/* Seconds since it became active, the one that has begun among them; 0 when it is not. */
uint64_t item_uptime(const struct item *item);
