/* SPDX-License-Identifier: MIT */
#include "networks.h"

#include "dropins.h"
#include "microvm-unit.h"
#include "unit.h"
#include "../common/escape.h"
#include "../common/owned.h"
#include "../config/keys.h"

#include <inttypes.h>

static bool is_tap(const struct interface *i)
{
	return i->type == NET_TAP || i->type == NET_BRIDGE;
}

static bool is_macvtap(const struct interface *i)
{
	return i->type == NET_MACVTAP;
}

static bool is_user(const struct interface *i)
{
	return i->type == NET_USER;
}

static bool any(const struct microvm *vm, bool (*is)(const struct interface *))
{
	for (each(struct interface, i, vm->interfaces))
		if (is(i))
			return true;
	return false;
}

bool needs_taps(const struct microvm *vm)
{
	return any(vm, is_tap);
}

bool needs_macvtaps(const struct microvm *vm)
{
	return any(vm, is_macvtap);
}

static void add_device(struct words *units, const char *interface)
{
	OWNED(drop_str) char *path = text_format("/sys/subsystem/net/devices/%s", interface);
	OWNED(drop_str) char *escaped = escape_unit_path(path);
	OWNED(drop_str) char *unit = text_format("%s.device", escaped);

	if (!words_have(units, unit))
		words_add(units, unit);
}

/* Only the order: the helper itself waits for a bridge that is not there yet, so that it can say
 * which one is missing, and where no udev makes device units as well. */
void taps_unit(struct text *u, const struct microvm *vm)
{
	OWNED(drop_words) struct words bridges = { 0 };

	for (each(struct interface, i, vm->interfaces))
		if (is_tap(i) && i->bridge)
			add_device(&bridges, i->bridge);
	unit_names(u, "After", &bridges);
}

/* A macvtap goes with the interface below it. */
void macvtaps_unit(struct text *u, const struct microvm *vm)
{
	OWNED(drop_words) struct words links = { 0 };

	for (each(struct interface, i, vm->interfaces))
		if (is_macvtap(i))
			add_device(&links, i->macvtap_link);
	unit_names(u, "BindsTo", &links);
	unit_names(u, "After", &links);
}

/* Scripts may want any network, and time. */
static void script_lines(struct text *u, const struct microvm *vm,
			 bool (*is)(const struct interface *))
{
	bool scripts = false;

	for (each(struct interface, i, vm->interfaces))
		if (is(i) && i->script) {
			bind_hidden(u, i->script);
			scripts = true;
		}
	if (scripts)
		unit_set(u, "RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6 AF_PACKET");
	unit_setf(u, "TimeoutStartSec", "%" PRIu64 "s",
		  vm->startup_timeout / 1000000 + STOP_RESERVE_SECONDS);
}

void taps_service(struct text *u, const struct microvm *vm)
{
	script_lines(u, vm, is_tap);
}

void macvtaps_service(struct text *u, const struct microvm *vm)
{
	script_lines(u, vm, is_macvtap);
}

static bool may_vhost(const struct interface *i)
{
	return i->type != NET_USER && (i->tap_vhost || !section_sets(&i->section, "tap.vhost"));
}

void network_service_lines(struct text *u, const struct microvm *vm)
{
	bool user = any(vm, is_user), tap = any(vm, is_tap);

	if (vm->runner)
		return; /* it is open to all */

	/* A tap is opened by its name, in the namespace where it is; a macvtap's node can be opened
	 * from anywhere. */
	if (user || tap)
		unit_set(u, "PrivateNetwork", "no");
	if (user) {
		unit_set(u, "RestrictAddressFamilies", "AF_INET AF_INET6");
		unit_set(u, "IPAddressDeny", "");
	}
	if (tap)
		unit_set(u, "DeviceAllow", "/dev/net/tun rw");
	if (any(vm, is_macvtap))
		unit_set(u, "DeviceAllow", "char-macvtap rw");
	if (any(vm, may_vhost))
		unit_set(u, "DeviceAllow", "/dev/vhost-net rw");
}
