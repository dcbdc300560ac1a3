/* SPDX-License-Identifier: MIT */
#include "devices.h"

#include "unit.h"
#include "../common/escape.h"
#include "../common/owned.h"
#include "paths.h"

bool needs_pci_devices(const struct microvm *vm)
{
	for (each(struct device, d, vm->devices))
		if (d->bus == BUS_PCI)
			return true;
	return false;
}

/* udev/60-microvm.rules makes systemd know the device by this name. */
static char *device_unit(const struct device *d)
{
	OWNED(drop_str) char *path = text_format("/sys/bus/pci/devices/%s", d->path);
	OWNED(drop_str) char *escaped = escape_unit_path(path);

	return text_format("%s.device", escaped);
}

static bool has_unit(const struct device *d)
{
	return d->bus == BUS_PCI && d->path;
}

void devices_unit(struct text *u, const struct microvm *vm)
{
	OWNED(drop_words) struct words units = { 0 };

	for (each(struct device, d, vm->devices))
		if (has_unit(d) && d->required)
			words_take(&units, device_unit(d));
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
			words_addf(&triggers, "microvm-pci-trigger@%s.service", d->path);
	unit_names(u, "Wants", &triggers);
}

void device_service_lines(struct text *u, const struct microvm *vm)
{
	OWNED(drop_words) struct words ended = { 0 };

	if (!needs_pci_devices(vm))
		return;
	unit_set(u, "DeviceAllow", "/dev/vfio/vfio rw");
	unit_set(u, "DeviceAllow", "char-vfio rw");
	/* A device may write to any of the guest's memory at any time, so all of it stays where it
	 * is; and each device that has an IOMMU domain of its own counts it once more. */
	unit_set(u, "LimitMEMLOCK", "infinity");
	words_add(&ended, "--ended");
	words_add(&ended, vm->name);
	unit_exec(u, "ExecStopPost", "+", HELPERDIR "/microvm-pci-devices", &ended);
}

static int link_one(const struct sink *sink, const struct microvm *vm, const struct device *d)
{
	OWNED(drop_str) char *device = device_unit(d);
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
	int r = 0;

	for (each(struct device, d, vm->devices))
		if (r == 0 && has_unit(d))
			r = link_one(sink, vm, d);
	return r;
}
