/* SPDX-License-Identifier: MIT */
/* sriov.h: virtual functions of PCI devices. ROOT as in pci.h; PARENT is the physical function's address. */
#pragma once

#include <stdint.h>

/* How many there are, and could be. Returns 0 or -errno; -ENODEV where there is no such device,
 * -EOPNOTSUPP where it has no SR-IOV. */
int sriov_count(const char *root, const char *parent, unsigned *have, unsigned *most);

/* Makes so many where there are none; no driver of the host's is tried on them. -ENOENT where the parent
 * has no driver that could. */
int sriov_make(const char *root, const char *parent, unsigned count, uint64_t usec);

/* The address of one, or NULL where it is not there; free() by the caller. */
char *sriov_address(const char *root, const char *parent, unsigned vf);

/* The parent's network interface, or NULL where it is no NIC; free() by the caller. */
char *sriov_interface(const char *root, const char *parent);
