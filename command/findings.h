/* SPDX-License-Identifier: MIT */
/* findings.h: what the host shows of a MicroVM, beside what systemd and its files say. Texts are
 * free()d by the caller. */
#pragma once

#include "inventory.h"

struct volume_found {
	int error; /* why it cannot be looked at; 0: the rest is true */
	bool block;
	uint64_t size, used; /* bytes; what is used of a block device nobody knows */
};

void volume_find(const char *path, struct volume_found *ret);

/* What the kernel counts for all of the unit; where it does not count memory, what the hypervisor
 * has. */
uint64_t memory_found(const struct item *item);

/* The guest's hardware address, also one that nobody wrote, as the start makes it; NULL: there is
 * none. */
char *mac_found(const struct microvm *vm, const struct interface *i);

/* The driver that a PCI device of the host has now; NULL: none. */
char *driver_found(const struct device *d);

/* What a key has, as a file would write it. */
char *value_found(const struct section *s, const char *name);

/* What a runner package says that it runs: a link that is there to be compared; NULL: it does not
 * say. */
char *system_found(const char *package);
