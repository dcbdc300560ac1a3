/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "keys.h"
#include "../common/text.h"

#include <string.h>

enum {
	MTU_LEAST = 68, /* RFC 791 */
	MTU_MOST = 65535,
};

static bool is_tap(const struct interface *i)
{
	return i->type == NET_TAP || i->type == NET_BRIDGE;
}

static void check_needed(const struct interface *i, const char *key, const char *example,
			 struct problems *p)
{
	if (!section_sets(&i->section, key))
		problem_in(p, &i->section, key, "is missing; write %s=%s", key, example);
}

/* A key that this type would read and do nothing with. */
static void check_idle(const struct interface *i, const char *key, const char *types,
		       struct problems *p)
{
	if (section_sets(&i->section, key))
		problem_in(p, &i->section, key, "means nothing for this type; it is for %s", types);
}

static void check_keys_of_type(const struct interface *i, struct problems *p)
{
	if (i->type == NET_BRIDGE)
		check_needed(i, "bridge", "br0", p);
	if (!is_tap(i))
		check_idle(i, "bridge", "tap and bridge", p);
	if (i->type == NET_MACVTAP) {
		check_needed(i, "macvtap.link", "eth0", p);
		check_needed(i, "macvtap.mode", "bridge", p);
	} else {
		check_idle(i, "macvtap.link", "macvtap", p);
		check_idle(i, "macvtap.mode", "macvtap", p);
	}
	if (i->type != NET_USER)
		return;
	check_idle(i, "tap.vhost", "tap, bridge and macvtap", p);
	check_idle(i, "script", "tap, bridge and macvtap", p);
	check_idle(i, "mtu", "tap, bridge and macvtap", p);
}

static void check_mtu(const struct interface *i, struct problems *p)
{
	if (section_sets(&i->section, "mtu") && i->mtu < MTU_LEAST)
		problem_in(p, &i->section, "mtu", "'%u' is not between %d and %d", i->mtu,
			   MTU_LEAST, MTU_MOST);
}

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static void check_below(const struct interface *i, struct problems *p)
{
	if (same(i->bridge, i->section.id))
		problem_in(p, &i->section, "bridge", "'%s' is the interface itself", i->bridge);
	if (same(i->macvtap_link, i->section.id))
		problem_in(p, &i->section, "macvtap.link", "'%s' is the interface itself",
			   i->macvtap_link);
}

static void check_pair(const struct interface *a, const struct interface *b, struct problems *p)
{
	if (same(a->mac, b->mac))
		problem_in(p, &b->section, "mac", "'%s' is the address of [interface %s] already",
			   b->mac, a->section.id);
}

static void check_interfaces(const struct microvm *vm, struct problems *p)
{
	for (size_t n = 0; n < vm->interfaces.count; n++) {
		const struct interface *i = (const struct interface *)vm->interfaces.at[n];

		check_keys_of_type(i, p);
		check_mtu(i, p);
		check_below(i, p);
		for (size_t m = 0; m < n; m++)
			check_pair((const struct interface *)vm->interfaces.at[m], i, p);
	}
}

static bool has_user_network(const struct microvm *vm)
{
	for (each(struct interface, i, vm->interfaces))
		if (i->type == NET_USER)
			return true;
	return false;
}

static void check_forward_ports(const struct microvm *vm, struct problems *p)
{
	for (each(struct forward_port, f, vm->forward_ports)) {
		if (!has_user_network(vm))
			problem_in(p, &f->section, NULL,
				   "ports are forwarded by user networking, and no "
				   "interface has type=user");
		if (f->from != FORWARD_GUEST)
			continue;
		if (!f->guest_address)
			problem_in(p, &f->section, "guest.address",
				   "is missing; write the address at which "
				   "the guest is to find the port, such as 10.0.2.100");
		if (f->proto == PROTO_UDP)
			problem_in(p, &f->section, "proto",
				   "of the guest's ports only tcp can be forwarded");
	}
}

void microvm_check_networks(const struct microvm *vm, struct problems *problems)
{
	check_interfaces(vm, problems);
	check_forward_ports(vm, problems);
}
