/* SPDX-License-Identifier: MIT */
/* tap-node.h: /dev/tapN, through which the packets of a macvtap go. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Waits for the node of an interface and gives it to the user. Returns -ETIMEDOUT where none comes,
 * or another -errno. */
int tap_node_give(const char *interface, int index, uint64_t usec, uid_t user, gid_t group);

/* Its path; free() by the caller. */
char *tap_node_path(int index);

/* A queue of the interface that the node belongs to, or -errno. */
int tap_node_open(const char *path, int several);
