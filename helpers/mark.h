/* SPDX-License-Identifier: MIT */
/* mark.h: how interfaces show whose they are. An interface of ours has the alias "microvm NAME" and
 * a group number; all of one MicroVM and kind share a number that no other interface has, so that
 * one request deletes them all. The numbers are 0x4d000000 to 0x4dffffff, chosen by the name's
 * hash, the next one where that is taken. */
#pragma once

#include "netlink.h"

#define GROUP_FIRST 0x4d000000u
#define GROUP_LAST 0x4dffffffu

struct mark {
	const char *kind; /* "tun", "macvtap" */
	char alias[IFALIASZ];
	unsigned group;
};

/* LINKS are all of the host. */
void mark_choose(const struct links *links, const char *kind, const char *name, struct mark *ret);
bool mark_fits(const struct mark *m, const struct link *l);

/* Deletes everything that has the mark and nothing else. Returns 0 or -errno. */
int mark_delete(struct netlink *nl, const struct mark *m, const struct links *links);
