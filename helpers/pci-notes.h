/* SPDX-License-Identifier: MIT */
/* pci-notes.h: what a start notes of the devices that it takes, for who comes when the
 * configuration may be another or gone. The notes lie beside the folders of the users, in a folder
 * of root's. */
#pragma once

#include "../common/words.h"

#define PCI_NOTES "/run/microvm-pci-devices"

/* Adds a line, "ADDRESS object=NUMBER", with " give-back" and " required" where that is so. All
 * return 0 or -errno. */
int pci_note(const char *name, const char *address, bool give_back, bool required);
int pci_notes_read(const char *name, struct words *ret);
void pci_notes_remove(const char *name);

/* Of a line: cuts off all but the address, says whether it has that word, or whether the device has
 * not been pulled since. */
void pci_note_cut(char *note);
bool pci_note_says(const char *note, const char *word);
bool pci_note_holds(const char *note);

/* What a MicroVM has lost, for microvm-pci-lost@.service: adds an address; hands all over and forgets
 * them. */
int pci_note_lost(const char *name, const char *address);
int pci_take_lost(const char *name, struct words *ret);
