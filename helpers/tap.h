/* SPDX-License-Identifier: MIT */
/* tap.h: tap devices, as /dev/net/tun makes them. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Makes a tap that ends with the returned descriptor. Returns -EBUSY where the name is taken, or
 * another -errno. */
int tap_make(const char *name, bool multi_queue);

/* From now on it stays without a descriptor, and this user may open it. */
int tap_keep(int fd, uid_t owner);
