/* SPDX-License-Identifier: MIT */
/* microvm-tap-interfaces: of microvm-tap-interfaces@.service. Makes the taps of a MicroVM as its
 * own user, with no more than CAP_NET_ADMIN, and at the end deletes them, whatever the
 * configuration says by then. */
#include "interfaces.h"
#include "tap.h"

#include "../common/digest.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../hypervisors/hypervisor.h"

#include <errno.h>
#include <string.h>

static bool makes(const struct interface *i)
{
	return i->type == NET_TAP || i->type == NET_BRIDGE;
}

/* The kernel refuses to open one with several queues for one, and the other way round. */
static bool needs_multi_queue(const struct making *m)
{
	return hypervisor_queues(m->vm) > 1;
}

static bool fits(const struct making *m, const struct interface *i, const struct link *l)
{
	(void)i;
	return l->is_tap && l->persistent && l->owned && l->owner == getuid() &&
	       l->multi_queue == needs_multi_queue(m);
}

static int find_bridge(struct making *m, const struct interface *i, struct link *ret)
{
	int r;

	if (!i->bridge)
		return EXIT_DONE;
	r = interface_await(m, i, "bridge", i->bridge, 0, ret);
	if (r == EXIT_DONE && strcmp(ret->kind, "bridge") != 0) {
		log_line(LEVEL_ERROR, "[interface %s] bridge: %s is not a bridge", i->section.id,
			 i->bridge);
		return EXIT_REFUSED;
	}
	return r;
}

/* A bridge takes the lowest address of its ports for its own, unless somebody set it: ours begins
 * with the highest first byte that is possible, so that no bridge changes its address when a
 * MicroVM starts. */
static void choose_mac(const struct making *m, const struct interface *i, unsigned char ret[6])
{
	OWNED(drop_str) char *both = text_format("%s/%s", m->vm->name, i->section.id);
	uint64_t digest = digest_add(DIGEST_OF_NOTHING, both, strlen(both));

	ret[0] = 0xfe;
	for (int n = 1; n < 6; n++)
		ret[n] = (unsigned char)(digest >> (8 * n));
}

/* Its alias and group before it stays: from then on whoever stops the MicroVM finds it. */
static int set_up(struct making *m, const struct interface *i, int index, int master)
{
	unsigned char mac[6];
	struct link_change change = {
		.index = index,
		.name = i->section.id,
		.alias = m->mark.alias,
		.group = m->mark.group,
		.master = master,
		.mtu = i->mtu,
		.mac = mac,
		.flags = IFF_UP,
	};
	int r;

	choose_mac(m, i, mac);
	r = link_change(m->nl, &change);
	return r < 0 ? log_failure(r, "[interface %s] cannot be set up", i->section.id) : EXIT_DONE;
}

static int refuse_tap(const struct interface *i, int error)
{
	if (error == -ENOENT || error == -ENODEV || error == -ENXIO)
		return log_failure(
			error, "[interface %s] the host's kernel has no tap devices: /dev/net/tun",
			i->section.id);
	return log_failure(error, "[interface %s] cannot be made", i->section.id);
}

static int make(struct making *m, const struct interface *i, int index)
{
	OWNED(drop_fd) int fd = -1;
	struct link bridge = { 0 };
	int r = find_bridge(m, i, &bridge);

	if (r != EXIT_DONE)
		return r;
	if (index > 0)
		return set_up(m, i, index, bridge.index);
	fd = tap_make(i->section.id, needs_multi_queue(m));
	if (fd < 0)
		return refuse_tap(i, fd);
	r = set_up(m, i, 0, bridge.index);
	if (r != EXIT_DONE)
		return r;
	r = tap_keep(fd, getuid());
	return r < 0 ? refuse_tap(i, r) : EXIT_DONE;
}

static const struct maker taps = {
	.usage = "microvm-tap-interfaces NAME [SECTION[.ID].KEY=VALUE...], microvm-tap-interfaces "
		 "--stop NAME, "
		 "microvm-tap-interfaces --not-configured NAME",
	.kind = "tun",
	.makes = makes,
	.fits = fits,
	.make = make,
};

int main(int argc, char **argv)
{
	(void)argc;
	return interfaces_main(&taps, argv);
}
