/* SPDX-License-Identifier: MIT */
#include "virtual-function.h"

#include "device-claim.h"
#include "netlink.h"
#include "sriov.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/identity.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum {
	WRITE_USEC = 60000000,
	DRIVER_USEC = 10000000, /* until a driver that was just loaded has its device */
	POLL_USEC = 100000,
};

/* At boot the parent may have appeared, and its driver not have it yet. */
static int make(const char *parent, unsigned count)
{
	const struct timespec pause = { .tv_nsec = POLL_USEC * 1000 };
	int r = sriov_make("", parent, count, WRITE_USEC);

	for (unsigned usec = 0; r == -ENOENT && usec < DRIVER_USEC; usec += POLL_USEC) {
		(void)nanosleep(&pause, NULL);
		r = sriov_make("", parent, count, WRITE_USEC);
	}
	return r;
}

/* All that there can be: their number cannot be changed any more without taking all of them away, and
 * another MicroVM may want another one. */
static int make_all(const struct device *d, unsigned most)
{
	int r = make(d->sriov_parent, most);

	if (r == -ENOENT)
		return device_refuse(d, "has no driver that makes virtual functions");
	return r < 0 ? device_refuse(d, "makes no virtual functions: %s", strerror(-r)) : EXIT_DONE;
}

static int check_count(const struct device *d)
{
	unsigned have, most;
	int r = sriov_count("", d->sriov_parent, &have, &most);

	if (r == -EOPNOTSUPP)
		return device_refuse(d, "has no virtual functions (SR-IOV)");
	if (r < 0)
		return device_refuse(d, r == -ENODEV ? "is not there" : "cannot be looked at: %s",
				     strerror(-r));
	if (d->sriov_vf >= most)
		return device_refuse(d, "can have %u virtual functions, the last of which is %u, not %u",
				     most, most - 1, d->sriov_vf);
	if (have == 0)
		return make_all(d, most);
	if (d->sriov_vf >= have)
		return device_refuse(d,
				     "has %u virtual functions, and number %u would be one more; to "
				     "change that all are taken away first, so do it yourself when none "
				     "is in use: write 0 to its sriov_numvfs",
				     have, d->sriov_vf);
	return EXIT_DONE;
}

static int find_mac(const struct microvm *vm, const struct device *d, unsigned char ret[6])
{
	OWNED(drop_str) char *key = text_format("device/%s", d->section.id);
	OWNED(drop_str) char *made = NULL;
	unsigned char host[16];
	int r = d->sriov_mac ? 0 : identity_host("/etc/machine-id", host);

	if (r < 0)
		return r;
	if (!d->sriov_mac)
		made = identity_mac(vm->name, key, host);
	mac_read(d->sriov_mac ? d->sriov_mac : made, ret);
	return 0;
}

/* The parent is switched on as well: it answers its functions only then. */
static int set_mac(const struct microvm *vm, const struct device *d, const char *interface)
{
	OWNED(drop_netlink) struct netlink *nl = NULL;
	unsigned char mac[6];
	struct link_change change = { .name = interface,
				      .vf_mac = mac,
				      .vf = d->sriov_vf,
				      .flags = IFF_UP };
	int r = find_mac(vm, d, mac);

	if (r == 0)
		r = netlink_open(&nl);
	if (r == 0)
		r = link_change(nl, &change);
	if (r == -EOPNOTSUPP && !d->sriov_mac) {
		log_line(LEVEL_NOTICE, "[device %s] %s lets nobody choose the hardware address",
			 d->section.id, interface);
		return EXIT_DONE;
	}
	return r < 0 ? device_refuse(d, "(%s) does not take the hardware address of function %u: %s",
				     interface, d->sriov_vf, strerror(-r))
		     : EXIT_DONE;
}

int virtual_function_make(const struct microvm *vm, struct device *d)
{
	OWNED(drop_str) char *interface = NULL;
	int r = check_count(d);

	if (r != EXIT_DONE)
		return r;
	interface = sriov_interface("", d->sriov_parent);
	if (interface)
		r = set_mac(vm, d, interface);
	if (r != EXIT_DONE)
		return r;
	d->path = sriov_address("", d->sriov_parent, d->sriov_vf);
	return d->path ? EXIT_DONE
		       : device_refuse(d, "has not made virtual function %u", d->sriov_vf);
}
