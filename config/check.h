/* SPDX-License-Identifier: MIT */
/* check.h: what no single key can tell to be wrong. */
#pragma once

#include "problems.h"

/* Judges a MicroVM that was read: keys that are missing or contradict each other. Pure, nothing of the
 * host is looked at. */
void microvm_check(const struct microvm *vm, struct problems *problems);

/* The part of it for interfaces and forwarded ports. */
void microvm_check_networks(const struct microvm *vm, struct problems *problems);

/* The part of it for memory. */
void microvm_check_memory(const struct microvm *vm, struct problems *problems);

/* The part of it for the screen. */
void microvm_check_graphics(const struct microvm *vm, struct problems *problems);

/* The part of it for devices of the host. */
void microvm_check_devices(const struct microvm *vm, struct problems *problems);

/* The part of it for [root], before root_expand(); tells whether nothing is wrong with it. */
bool microvm_check_root(const struct microvm *vm, struct problems *problems);

/* The part of it for those that a runner package starts, before what that says is added: nothing may be set
 * that the package decides. DEFAULTS is the name of the host-wide file, which is not held to that. */
void microvm_check_runner(const struct microvm *vm, const char *defaults, struct problems *problems);

/* Warnings about what the host does not have now and may have when the MicroVM starts. Not for the
 * generator, which runs before file systems are mounted. */
void microvm_check_host(const struct microvm *vm, struct problems *problems);
