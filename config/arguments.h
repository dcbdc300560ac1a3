/* SPDX-License-Identifier: MIT */
/* arguments.h: a MicroVM as words for the helpers, "microvm.mem=512", "volume.data.readOnly=yes":
 * SECTION[.ID].KEY=VALUE, a list as one word an element. Only what was set is written; the reader
 * has the same defaults. */
#pragma once

#include "problems.h"

/* microvm-run; install-microvm; microvm-ready and microvm-shutdown; microvm-virtiofsd;
 * microvm-tap-interfaces and microvm-macvtap-interfaces; microvm-pci-devices */
enum audience { FOR_RUN, FOR_INSTALL, FOR_CONTROL, FOR_VIRTIOFSD, FOR_NET, FOR_PCI };

void arguments_write(const struct microvm *vm, enum audience audience, struct words *ret);
/* What microvm-virtiofsd is to know of one share. */
void arguments_write_share(const struct microvm *vm, const struct share *share, struct words *ret);

/* Reads such words into a MicroVM from microvm_init(). Returns 0, or -EINVAL with the problems noted;
 * their place is the word. */
int arguments_read(struct microvm *vm, char **words, struct problems *problems);
