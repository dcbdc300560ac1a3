/* SPDX-License-Identifier: MIT */
/* program.h: what runs a guest: for which architecture, by which binary, with KVM or without. What
 * fails is told, and the result is an exit status. */
#pragma once

#include "../hypervisors/hypervisor.h"

struct firmware;

/* The guest's: what its kernel or firmware is built for, or what the given binary emulates. Refused
 * where the hypervisor runs no such guest. */
int program_architecture(const struct microvm *vm, const struct firmware *firmware,
			 enum architecture *ret);

/* The path of the binary: of the runner's package, of the hypervisor's `package`, or what PATH has;
 * free() by the caller. */
int program_find(const struct microvm *vm, enum architecture guest, char **ret);

/* Whether KVM runs the guest. A command that is only PRINTED can be for a host that has KVM. */
int program_kvm(const struct hypervisor *h, enum architecture guest, bool printed, bool *ret);
