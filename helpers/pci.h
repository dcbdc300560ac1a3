/* SPDX-License-Identifier: MIT */
/* pci.h: PCI devices and the drivers that have them. ROOT is "" but in tests, which have a sysfs of
 * their own. */
#pragma once

#include "../common/words.h"

#include <stdint.h>

#define PCI_VFIO "vfio-pci"

struct pci {
	const char *root;
	char *address;
	char *id;     /* VENDOR:DEVICE */
	char *driver; /* NULL: none has it */
	char *group;  /* number of its IOMMU group; NULL: it is in none */
	bool bridge;  /* to a bus of more devices; its driver does no DMA */
};

/* Returns 0 or -errno; -ENODEV where there is no such device. */
int pci_look(const char *root, const char *address, struct pci *ret);
void drop_pci(struct pci *p);

/* The path of its folder, or of one of its attributes; free() by the caller. */
char *pci_path(const char *root, const char *address, const char *attribute);

/* The number of the kernel's object, 0 where there is no such device. A device that was pulled and is
 * back has another. */
uint64_t pci_object(const char *root, const char *address);

/* Addresses of all that is in the group. */
int pci_group(const char *root, const char *group, struct words *ret);

/* Takes it from the driver that has it and gives it to vfio-pci, or the other way round: to the
 * driver that would have had it. Reads back who has it. */
int pci_take(struct pci *p, uint64_t usec);
int pci_give_back(struct pci *p, uint64_t usec);
