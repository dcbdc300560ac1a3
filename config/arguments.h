/* SPDX-License-Identifier: MIT */
/* arguments.h: a MicroVM as words for the helpers, "microvm.mem=512", "volume.data.readOnly=yes":
 * SECTION[.ID].KEY=VALUE, a list as one word an element. Only what was set is written; the reader
 * has the same defaults. */
#pragma once

#include "problems.h"

/* microvm-run; install-microvm, and what it is told of [root]; microvm-ready and
 * microvm-shutdown; microvm-virtiofsd; microvm-tap-interfaces and microvm-macvtap-interfaces;
 * microvm-pci-devices; microvm-usb-devices; microvm-machined; microvm-runner */
enum audience {
	FOR_RUN,
	FOR_INSTALL,
	FOR_ROOT,
	FOR_CONTROL,
	FOR_VIRTIOFSD,
	FOR_NET,
	FOR_PCI,
	FOR_USB,
	FOR_MACHINED,
	FOR_RUNNER,
};

void arguments_write(const struct microvm *vm, enum audience audience, struct words *ret);
/* What microvm-virtiofsd is to know of one share. */
void arguments_write_share(const struct microvm *vm, const struct share *share, struct words *ret);

/* Reads such words into a MicroVM from microvm_init(). Returns 0, or -EINVAL with the problems noted;
 * their place is the word. */
int arguments_read(struct microvm *vm, char **words, struct problems *problems);

/* For a helper's main(): microvm_init(), then its words; what is wrong with them is logged. VM is to be dropped
 * in any case. Returns EXIT_DONE or EXIT_CALLED_WRONGLY. */
int arguments_microvm(struct microvm *vm, const char *name, char **words);
