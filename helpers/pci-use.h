/* SPDX-License-Identifier: MIT */
/* pci-use.h: whether the host itself lives on a PCI device. */
#pragma once

/* What would be lost with the device: "the default route (eth0)", "the file system on /"; NULL: nothing
 * that is known. free() by the caller. ROOT as in pci.h. */
char *pci_use(const char *root, const char *address);
