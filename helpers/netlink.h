/* SPDX-License-Identifier: MIT */
/* netlink.h: the host's network interfaces, as rtnetlink(7) tells and changes them. */
#pragma once

#include <linux/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct link {
	int index;
	char name[IFNAMSIZ];
	char alias[IFALIASZ];
	char kind[16]; /* "tun", "bridge", "macvtap"; empty for hardware */
	unsigned group;
	unsigned flags; /* IFF_UP, … */

	/* of a tun or tap alone */
	bool is_tap;
	bool multi_queue;
	bool persistent;
	bool owned;
	uid_t owner;
};

struct links {
	struct link *at;
	size_t count;
};

/* What is to be changed; what is zero stays as it is. */
struct link_change {
	int index; /* 0: the name says which */
	const char *name;
	const char *alias;
	unsigned group;
	int master;
	unsigned mtu;
	const unsigned char *mac; /* 6 bytes */
	const unsigned char *vf_mac; /* 6 bytes, of the virtual function VF */
	unsigned vf;
	unsigned flags;		  /* to be set */
};

struct macvtap {
	const char *name;
	int link;      /* index of the interface below */
	unsigned mode; /* MACVLAN_MODE_… */
	unsigned group;
	const unsigned char *mac;
};

struct netlink;

/* All return 0 or -errno. */
int netlink_open(struct netlink **ret);

int link_list(struct netlink *nl, struct links *ret);
int link_get(struct netlink *nl, const char *name, struct link *ret);
/* Waits until the interface exists and has the flags: -ETIMEDOUT. */
int link_await(struct netlink *nl, const char *name, unsigned flags, uint64_t usec,
	       struct link *ret);
int link_add_macvtap(struct netlink *nl, const struct macvtap *m);
int link_change(struct netlink *nl, const struct link_change *c);
int link_delete(struct netlink *nl, int index);
/* All of the group, in one request. */
int link_delete_group(struct netlink *nl, unsigned group);

void drop_links(struct links *l);
void drop_netlink(struct netlink **nl);
