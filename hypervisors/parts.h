/* SPDX-License-Identifier: MIT */
/* parts.h: what the command lines of several hypervisors are made of. */
#pragma once

#include "../common/text.h"
#include "../config/problems.h"

/* What Linux calls the serial line of machines that have a PL011 on arm and a 16550 elsewhere. */
#ifdef __aarch64__
#define UART "ttyAMA0"
#else
#define UART "ttyS0"
#endif

/* Whether any device works right in the guest's memory, which must be shared for that. */
bool shares_memory(const struct microvm *vm);

/* Adds what lets the unit use the host's GPU, where the guest has graphics. */
void render_settings(const struct microvm *vm, struct words *ret);

/* "on", "off" */
const char *on_off(bool value);

/* A number of bytes with the largest of K, M and G that leaves no rest. */
void add_size(struct text *t, uint64_t bytes);

/* The kernel's command line: what the hypervisor's console and reboot need, what the guest is to
 * mount and what vsock is for, then the user's words, quoted as the kernel reads it where they have blanks. */
char *kernel_line(const char *defaults, const struct microvm *vm);

/* Whether the kernel, or who starts it, can take that much; LIMIT without the NUL. */
void check_kernel_line(const char *line, size_t limit, const struct microvm *vm,
		       struct problems *problems);

/* Disks show 20 bytes of a serial number (VIRTIO_BLK_ID_BYTES). */
void check_serials(const struct microvm *vm, struct problems *problems);

/* "VALUE", with what it has of quotes doubled, where the value has a byte of SPECIAL; else VALUE.
 */
char *quoted(const char *value, const char *special);

/* Whether the guest gets it: one that is not required may be missing. */
bool device_is_given(const struct device *d);
