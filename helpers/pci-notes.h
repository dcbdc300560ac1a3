/* SPDX-License-Identifier: MIT */
/* pci-notes.h: what a start notes of the devices that it takes, for who comes when the
 * configuration may be another or gone. The notes lie beside the folders of the users, in a folder
 * of root's. */
#pragma once

#include "../common/words.h"

#define PCI_NOTES "/run/microvm-pci-devices"

/* Adds "ADDRESS give-back" or "ADDRESS keep". All return 0 or -errno. */
int pci_note(const char *name, const char *address, bool give_back);
int pci_notes_read(const char *name, struct words *ret);
void pci_notes_remove(const char *name);

/* That a MicroVM has lost a device, and is to be started when it comes back. Taking it says whether
 * it was. */
int pci_note_lost(const char *name);
bool pci_take_lost(const char *name);
