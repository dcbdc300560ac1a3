/* SPDX-License-Identifier: MIT */
#include "devices.h"

#include "dropins.h"
#include "unit.h"
#include "../common/escape.h"
#include "../common/owned.h"
#include "paths.h"

#include <inttypes.h>

bool needs_pci_devices(const struct microvm *vm)
{
	return microvm_has_device(vm, BUS_PCI);
}

bool needs_usb_devices(const struct microvm *vm)
{
	return microvm_has_device(vm, BUS_USB);
}

/* udev/60-microvm.rules makes systemd know the device by this name. A virtual function has none, it is
 * made when its parent is there; and that keeps its driver, so it has another. */
static char *device_unit(const struct device *d)
{
	OWNED(drop_str) char *path = text_format("/sys/bus/pci/%s/%s", d->path ? "devices" : "sriov",
						 d->path ? d->path : d->sriov_parent);
	OWNED(drop_str) char *escaped = escape_unit_path(path);

	return text_format("%s.device", escaped);
}

static bool has_unit(const struct device *d)
{
	return d->bus == BUS_PCI;
}

void devices_unit(struct text *u, const struct microvm *vm)
{
	OWNED(drop_words) struct words units = { 0 };

	for (each(struct device, d, vm->devices))
		if (has_unit(d) && d->required)
			words_take_once(&units, device_unit(d));
	unit_names(u, "BindsTo", &units);
	unit_names(u, "After", &units);
}

/* A device that was there before the file was has not been shown to systemd by udev. */
void pci_unit(struct text *u, const struct microvm *vm)
{
	OWNED(drop_words) struct words triggers = { 0 };

	devices_unit(u, vm);
	for (each(struct device, d, vm->devices))
		if (has_unit(d))
			words_take_once(&triggers,
					text_format("microvm-pci-trigger@%s.service",
						    d->path ? d->path : d->sriov_parent));
	unit_names(u, "Wants", &triggers);
}

static bool has_function(const struct microvm *vm)
{
	for (each(struct device, d, vm->devices))
		if (d->sriov_parent)
			return true;
	return false;
}

/* Its hardware address is given to it through the parent's network interface. */
void pci_service(struct text *u, const struct microvm *vm)
{
	if (!has_function(vm))
		return;
	unit_set(u, "CapabilityBoundingSet", "CAP_NET_ADMIN");
	unit_set(u, "RestrictAddressFamilies", "AF_NETLINK");
}

/* Each is waited for as long as a start may take. */
void usb_service(struct text *u, const struct microvm *vm)
{
	unit_setf(u, "TimeoutStartSec", "%" PRIu64 "s",
		  vm->startup_timeout / 1000000 * vm->devices.count + STOP_RESERVE_SECONDS);
}

/* Its user owns the nodes of its own devices and no others. What is plugged in is told by udev, in the
 * host's network namespace. */
static void usb_lines(struct text *u)
{
	unit_set(u, "DeviceAllow", "char-usb_device rw");
	unit_set(u, "PrivateNetwork", "no");
	unit_set(u, "RestrictAddressFamilies", "AF_NETLINK");
}

static void pci_lines(struct text *u, const struct microvm *vm)
{
	OWNED(drop_words) struct words ended = { 0 };

	unit_set(u, "DeviceAllow", "/dev/vfio/vfio rw");
	unit_set(u, "DeviceAllow", "char-vfio rw");
	/* A device may write to any of the guest's memory at any time, so all of it stays where it
	 * is; and each device that has an IOMMU domain of its own counts it once more. */
	unit_set(u, "LimitMEMLOCK", "infinity");
	words_add(&ended, "--ended");
	words_add(&ended, vm->name);
	unit_exec(u, "ExecStopPost", "+", HELPERDIR "/microvm-pci-devices", &ended);
}

void device_service_lines(struct text *u, const struct microvm *vm)
{
	if (needs_pci_devices(vm))
		pci_lines(u, vm);
	if (needs_usb_devices(vm))
		usb_lines(u);
}

static int link_one(const struct sink *sink, const struct microvm *vm, const char *device)
{
	OWNED(drop_str) char *folder = text_format("%s.wants", device);
	OWNED(drop_str) char *claim = text_format("microvm-pci-devices@%s.service", vm->name);
	OWNED(drop_str) char *microvm = text_format("microvm@%s.service", vm->name);
	int r = sink_link(sink, folder, claim, UNITDIR "/microvm-pci-devices@.service");

	if (r == 0 && vm->autostart)
		r = sink_link(sink, folder, microvm, UNITDIR "/microvm@.service");
	return r;
}

int devices_link(const struct sink *sink, const struct microvm *vm)
{
	OWNED(drop_words) struct words units = { 0 };
	int r = 0;

	for (each(struct device, d, vm->devices))
		if (has_unit(d))
			words_take_once(&units, device_unit(d));
	for (size_t i = 0; i < units.count && r == 0; i++)
		r = link_one(sink, vm, units.at[i]);
	return r;
}

static int watch_one(const struct sink *sink, const struct microvm *vm, const struct volume *v)
{
	OWNED(drop_str) char *path = volume_path(vm, v);
	OWNED(drop_str) char *device = escape_unit_path(path);
	OWNED(drop_str) char *folder = text_format("%s.device.d", device);
	OWNED(drop_str) char *file = text_format("50-microvm-%s.conf", vm->name);
	OWNED(drop_text) struct text u = { 0 };

	unit_begin(&u, NULL);
	unit_setf(&u, "OnSuccess", "microvm-disk-lost@%s:%s.service", vm->name, v->section.id);
	return sink_file(sink, folder, file, u.at);
}

int disks_watch(const struct sink *sink, const struct microvm *vm)
{
	int r = 0;

	for (each(struct volume, v, vm->volumes))
		if (r == 0 && volume_is_device(v))
			r = watch_one(sink, vm, v);
	return r;
}
