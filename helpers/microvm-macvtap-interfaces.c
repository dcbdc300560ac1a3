/* SPDX-License-Identifier: MIT */
/* microvm-macvtap-interfaces: of microvm-macvtap-interfaces@.service. Makes the macvtaps of a
 * MicroVM and gives it their nodes in /dev, as its own user with no more than CAP_NET_ADMIN and
 * CAP_CHOWN, and at the end deletes them, whatever the configuration says by then. */
#include "interfaces.h"
#include "tap-node.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <string.h>

enum { NODE_USEC = 10000000 }; /* udev and the like make it in no time, or never */

static bool makes(const struct interface *i)
{
	return i->type == NET_MACVTAP;
}

/* The address that the file gives, or the one that microvm-run tells the hypervisor as well. */
static int find_mac(const struct making *m, const struct interface *i, unsigned char ret[6])
{
	OWNED(drop_str) char *made = NULL;
	unsigned char host[16];
	int r = i->mac ? 0 : identity_host("/etc/machine-id", host);

	if (r < 0)
		return log_failure(
			r,
			"[interface %s] mac: the host has no ID from which it could be made: "
			"/etc/machine-id",
			i->section.id);
	if (!i->mac)
		made = identity_mac(m->vm->name, i->section.id, host);
	mac_read(i->mac ? i->mac : made, ret);
	return EXIT_DONE;
}

static int add(struct making *m, const struct interface *i, const struct link *below,
	       const unsigned char *mac)
{
	static const unsigned modes[MACVTAP_MODES] = {
		[MACVTAP_PRIVATE] = MACVLAN_MODE_PRIVATE,
		[MACVTAP_VEPA] = MACVLAN_MODE_VEPA,
		[MACVTAP_BRIDGE] = MACVLAN_MODE_BRIDGE,
		[MACVTAP_PASSTHRU] = MACVLAN_MODE_PASSTHRU,
		[MACVTAP_SOURCE] = MACVLAN_MODE_SOURCE,
	};
	struct macvtap macvtap = {
		.name = i->section.id,
		.link = below->index,
		.mode = modes[i->macvtap_mode],
		.group = m->mark.group,
		.mac = mac,
	};
	int r = link_add_macvtap(m->nl, &macvtap);

	if (r == -EOPNOTSUPP)
		return log_failure(r, "[interface %s] the host's kernel has no macvtap",
				   i->section.id);
	if (r == -EBUSY || r == -EINVAL)
		return log_failure(
			r,
			"[interface %s] macvtap.mode: %s cannot carry a macvtap of this mode "
			"beside what it carries already",
			i->section.id, i->macvtap_link);
	return r < 0 ? log_failure(r, "[interface %s] cannot be made", i->section.id) : EXIT_DONE;
}

/* Or the host would use the guest's hardware address for addresses of its own. */
static int switch_off_ipv6(const char *name)
{
	OWNED(drop_str) char *path = text_format("/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	OWNED(drop_fd) int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno; /* a kernel without IPv6 */
	return write(fd, "1", 1) < 0 ? -errno : 0;
}

/* All multicast: which of it the guest wants only the guest knows. The address again: with passthru
 * it is that of the interface below, which is not touched before. */
static int set_up(struct making *m, const struct interface *i, const unsigned char *mac)
{
	struct link_change change = {
		.name = i->section.id,
		.alias = m->mark.alias,
		.mtu = i->mtu,
		.mac = mac,
		.flags = IFF_UP | IFF_ALLMULTI,
	};
	int r = switch_off_ipv6(i->section.id);

	if (r < 0)
		return log_failure(r, "[interface %s] cannot switch off IPv6 on the host's side",
				   i->section.id);
	r = link_change(m->nl, &change);
	return r < 0 ? log_failure(r, "[interface %s] cannot be set up", i->section.id) : EXIT_DONE;
}

/* microvm-run, in a network namespace of its own, could not find out which node it is. */
static int leave_note(const struct interface *i, const char *node)
{
	const char *folder = getenv("RUNTIME_DIRECTORY");
	OWNED(drop_str) char *note = text_format("%s/%s", folder ? folder : "", i->section.id);

	if (!folder)
		return EXIT_DONE;
	(void)unlink(note);
	return symlink(node, note) < 0 ? log_failure(-errno, "%s", note) : EXIT_DONE;
}

static int give_node(struct making *m, const struct interface *i)
{
	OWNED(drop_str) char *node = NULL;
	struct link made;
	int r = link_get(m->nl, i->section.id, &made);

	if (r < 0)
		return log_failure(r, "[interface %s]", i->section.id);
	node = tap_node_path(made.index);
	r = tap_node_give(i->section.id, made.index, NODE_USEC, getuid(), getgid());
	if (r == -ETIMEDOUT) {
		log_line(LEVEL_ERROR,
			 "[interface %s] the node %s does not appear; in a container nobody "
			 "makes it",
			 i->section.id, node);
		return EXIT_REFUSED;
	}
	if (r < 0)
		return log_failure(r, "[interface %s] cannot give %s to the MicroVM's user",
				   i->section.id, node);
	return leave_note(i, node);
}

static int make(struct making *m, const struct interface *i, int index)
{
	unsigned char mac[6];
	struct link below;
	int r = find_mac(m, i, mac);

	(void)index;
	if (r == EXIT_DONE)
		r = interface_await(m, i, "macvtap.link", i->macvtap_link, IFF_UP, &below);
	if (r == EXIT_DONE)
		r = add(m, i, &below, mac);
	if (r == EXIT_DONE)
		r = set_up(m, i, mac);
	return r == EXIT_DONE ? give_node(m, i) : r;
}

static const struct maker macvtaps = {
	.usage = "microvm-macvtap-interfaces NAME [SECTION[.ID].KEY=VALUE...], "
		 "microvm-macvtap-interfaces "
		 "--stop NAME, microvm-macvtap-interfaces --not-configured NAME",
	.kind = "macvtap",
	.makes = makes,
	.make = make,
};

int main(int argc, char **argv)
{
	(void)argc;
	return interfaces_main(&macvtaps, argv);
}
