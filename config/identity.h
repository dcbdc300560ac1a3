/* SPDX-License-Identifier: MIT */
/* identity.h: what tells a MicroVM apart from all others, made from the host's machine ID and its
 * names, so that it is the same at each start and different on another host. */
#pragma once

#include "model.h"

/* The host's machine ID as a UUID, from machine-id(5)'s file. Returns -errno; -EINVAL where the file
 * holds no ID (yet). */
int identity_host(const char *path, unsigned char ret[16]);

/* Sets machineId and every mac that nobody wrote: UUIDs of version 5 (RFC 4122) in the namespace of
 * the host, a mac being the first bytes of one, locally administered and unicast. */
void identity_fill(struct microvm *vm, const unsigned char host[16]);

/* A vsock address made of the name, or the STEPth behind it, from 2147483648 to 4294967294: the upper half, which
 * few people choose by themselves. */
uint32_t identity_cid(const char *name, unsigned step);

/* The mac that nobody wrote of one interface, or "device/ID"; free() by the caller. */
char *identity_mac(const char *name, const char *interface, const unsigned char host[16]);

/* The six bytes of such a text, which is right. */
void mac_read(const char *text, unsigned char ret[6]);

/* Whether identity_fill() has anything to do. */
bool identity_needed(const struct microvm *vm);
