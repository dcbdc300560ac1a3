/* SPDX-License-Identifier: MIT */
#include "qemu.h"

#include "parts.h"

#include "../common/owned.h"

#include <string.h>
#include <sys/stat.h>

static void add_image(const struct qemu_command *c, const struct volume *v)
{
	static const char *const drivers[IMAGE_TYPES] = { "raw", "qcow2", "vpc", "vhdx" };
	OWNED(drop_str) char *path = volume_path(c->vm, v);
	OWNED(drop_str) char *file = qemu_text(path);
	struct stat st;
	bool device = stat(path, &st) == 0 && S_ISBLK(st.st_mode);

	words_add(c->argv, "-blockdev");
	words_addf(c->argv,
		   "driver=%s,node-name=image-%s,read-only=%s,discard=unmap,cache.direct=%s,"
		   "file.driver=%s,file.aio=%s,file.filename=%s",
		   drivers[v->image_type], v->section.id, on_off(v->read_only), on_off(v->direct),
		   device ? "host_device" : "file", v->direct ? "native" : "threads", file);
}

void qemu_add_volume(const struct qemu_command *c, const struct volume *v)
{
	OWNED(drop_str) char *serial = qemu_text(volume_serial(v));

	add_image(c, v);
	qemu_add_virtio(c, "blk", text_format(",id=volume-%s,drive=image-%s,serial=%s", v->section.id,
					 v->section.id, serial));
}

static void add_virtiofs(const struct qemu_command *c, const struct share *s)
{
	OWNED(drop_str) char *path = share_socket(c->vm, s);
	OWNED(drop_str) char *socket = qemu_text(path);

	words_add(c->argv, "-chardev");
	words_addf(c->argv, "socket,id=virtiofsd-%s,path=%s", s->section.id, socket);
	words_add(c->argv, "-device");
	words_addf(c->argv, "vhost-user-fs-%s,id=share-%s,chardev=virtiofsd-%s,tag=%s,queue-size=1024",
		   c->machine.pci ? "pci" : "device", s->section.id, s->section.id, s->section.id);
}

static void add_9p(const struct qemu_command *c, const struct share *s)
{
	static const char *const models[SECURITY_MODELS] = { "passthrough", "none", "mapped-xattr",
							     "mapped-file" };
	OWNED(drop_str) char *source = share_source(c->vm, s);
	OWNED(drop_str) char *path = qemu_text(source);

	words_add(c->argv, "-fsdev");
	words_addf(c->argv, "local,id=folder-%s,security_model=%s,readonly=%s,multidevs=remap,path=%s",
		   s->section.id, models[s->security_model], on_off(s->read_only), path);
	qemu_add_virtio(c, "9p", text_format(",id=share-%s,fsdev=folder-%s,mount_tag=%s", s->section.id,
					s->section.id, s->section.id));
}

void qemu_add_share(const struct qemu_command *c, const struct share *s)
{
	if (s->proto == SHARE_VIRTIOFS)
		add_virtiofs(c, s);
	else
		add_9p(c, s);
}

void qemu_add_vsock(const struct qemu_command *c)
{
	struct text t = { 0 };

	if (!c->vm->vsock.cid)
		return;
	text_addf(&t, "vhost-vsock-%s,id=vsock,guest-cid=%s", c->machine.pci ? "pci" : "device",
		  c->vm->vsock.cid);
	if (c->launch->vhost_vsock)
		text_addf(&t, ",vhostfd=%d", c->launch->vhost_vsock);
	words_add(c->argv, "-device");
	words_take(c->argv, t.at);
}

static bool has_ports(const struct qemu_machine *m)
{
	return strcmp(m->type, "q35") == 0 || strncmp(m->type, "pc-q35-", 7) == 0 ||
	       strncmp(m->type, "virt", 4) == 0;
}

/* The chassis number tells ports apart; the guest sees it as the number of the slot. */
static void add_port(const struct qemu_command *c, const char *id, unsigned chassis)
{
	words_add(c->argv, "-device");
	words_addf(c->argv, "pcie-root-port,id=%s,chassis=%u", id, chassis);
}

static void add_free_ports(const struct qemu_command *c)
{
	for (unsigned i = 0; i < c->vm->qemu.pcie_root_ports; i++) {
		OWNED(drop_str) char *id = text_format("port-%u", i);

		add_port(c, id, i + 1);
	}
}

/* What a device of the host is in qemu, WHAT, on the bus that the user names or the one that is made for it;
 * NULL: qemu's choice. */
static void add_host_device(const struct qemu_command *c, const struct device *d, const char *what,
			    const char *bus)
{
	OWNED(drop_str) char *id = text_format("device-%s", d->section.id);
	struct text t = { 0 };

	text_addf(&t, "%s,id=%s", what, d->qemu_id ? d->qemu_id : id);
	if (d->qemu_bus || bus)
		text_addf(&t, ",bus=%s", d->qemu_bus ? d->qemu_bus : bus);
	if (d->qemu_device_extra_args)
		text_addf(&t, ",%s", d->qemu_device_extra_args);
	words_add(c->argv, "-device");
	words_take(c->argv, t.at);
}

/* On a port of its own, so that the guest can let go of a card that is pulled out of the host. */
static void add_pci(const struct qemu_command *c, const struct device *d, unsigned chassis)
{
	OWNED(drop_str) char *what = text_format("vfio-pci,host=%s", d->path);
	OWNED(drop_str) char *port = text_format("port-of-%s", d->section.id);
	bool own = !d->qemu_bus && has_ports(&c->machine);

	if (own)
		add_port(c, port, chassis);
	add_host_device(c, d, what, own ? port : NULL);
}

/* One that is not there, or not any more, qemu takes when it is plugged in. */
static void add_usb(const struct qemu_command *c, const struct device *d)
{
	OWNED(drop_str) char *what = text_format("usb-host,%s", d->path);

	add_host_device(c, d, what, "usb.0");
}

void qemu_add_devices(const struct qemu_command *c)
{
	unsigned chassis = c->vm->qemu.pcie_root_ports;

	add_free_ports(c);
	if (microvm_has_device(c->vm, BUS_USB)) {
		words_add(c->argv, "-device");
		words_add(c->argv, "qemu-xhci,id=usb");
	}
	for (each(struct device, d, c->vm->devices))
		if (d->bus == BUS_USB)
			add_usb(c, d);
		else if (device_is_given(d))
			add_pci(c, d, ++chassis);
}
