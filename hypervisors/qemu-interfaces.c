/* SPDX-License-Identifier: MIT */
#include "qemu.h"

#include "limits.h"
#include "parts.h"

#include "paths.h"

static void add_forward(struct text *t, const struct forward_port *f)
{
	const char *host = f->host_address ? f->host_address : "";
	const char *guest = f->guest_address ? f->guest_address : "";

	if (f->from == FORWARD_HOST)
		text_addf(t, ",hostfwd=%s:%s:%u-%s:%u", f->proto == PROTO_TCP ? "tcp" : "udp", host,
			  f->host_port, guest, f->guest_port);
	else
		/* A character device would serve one connection, once. */
		text_addf(t, ",guestfwd=tcp:%s:%u-cmd:" HELPERDIR "/microvm-forward %s %u", guest,
			  f->guest_port, *host ? host : "127.0.0.1", f->host_port);
}

static bool is_first_user(const struct microvm *vm, const struct interface *interface)
{
	for (each(struct interface, i, vm->interfaces))
		if (i->type == NET_USER)
			return i == interface;
	return false;
}

static char *user_netdev(const struct qemu_command *c, const struct interface *i)
{
	struct text t = { 0 };

	text_addf(&t, "user,id=net-%s", i->section.id);
	if (!is_first_user(c->vm, i))
		return t.at;
	for (each(struct forward_port, f, c->vm->forward_ports))
		add_forward(&t, f);
	return t.at;
}

static char *tap_netdev(const struct qemu_command *c, const struct interface *i)
{
	unsigned queues = hypervisor_queues(c->vm);
	struct text t = { 0 };

	text_addf(&t, "tap,id=net-%s,ifname=%s,script=no,downscript=no,vhost=%s", i->section.id,
		  i->section.id, on_off(wants_vhost(c->launch, i)));
	if (queues > 1)
		text_addf(&t, ",queues=%u", queues);
	return t.at;
}

static char *macvtap_netdev(const struct qemu_command *c, const struct interface *i)
{
	const struct queues *q = interface_queues(c->launch, i);
	struct text t = { 0 };

	text_addf(&t, "tap,id=net-%s,vhost=%s,%s=", i->section.id, on_off(wants_vhost(c->launch, i)),
		  q->count > 1 ? "fds" : "fd");
	for (size_t n = 0; n < q->count; n++)
		text_addf(&t, "%s%d", n ? ":" : "", q->fds[n]);
	return t.at;
}

static char *interface_properties(const struct qemu_command *c, const struct interface *i)
{
	unsigned queues = i->type == NET_USER ? 1 : hypervisor_queues(c->vm);
	struct text t = { 0 };

	text_addf(&t, ",id=interface-%s,netdev=net-%s,mac=%s", i->section.id, i->section.id, i->mac);
	if (queues > 1)
		text_add(&t, ",mq=on");
	/* One to send and one to receive for each queue, one for changes, one for commands. */
	if (queues > 1 && c->machine.pci)
		text_addf(&t, ",vectors=%u", 2 * queues + 2);
	if (i->mtu > 0)
		text_addf(&t, ",host_mtu=%u", i->mtu);
	if (c->machine.pci)
		text_add(&t, ",romfile=");
	return t.at;
}

void qemu_add_interface(const struct qemu_command *c, const struct interface *i)
{
	static char *(*const netdevs[NETS])(const struct qemu_command *, const struct interface *) = {
		[NET_USER] = user_netdev,
		[NET_TAP] = tap_netdev,
		[NET_MACVTAP] = macvtap_netdev,
		[NET_BRIDGE] = tap_netdev,
	};

	words_add(c->argv, "-netdev");
	words_take(c->argv, netdevs[i->type](c, i));
	qemu_add_virtio(c, "net", interface_properties(c, i));
}
