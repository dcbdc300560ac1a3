/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "device.h"
#include "keys.h"

#include <string.h>

static void check_address(const struct device *d, const char *key, const char *address,
			  struct problems *p)
{
	if (!pci_address_fits(address))
		problem_in(p, &d->section, key,
			   "'%s' is not a PCI address; write DOMAIN:BUS:DEVICE.FUNCTION "
			   "in lower case, such as 0000:01:00.0",
			   address);
}

static void check_place(const struct device *d, struct problems *p)
{
	if (d->path && d->sriov_parent)
		problem_in(p, &d->section, "sriov.parent",
			   "and path name two devices; a virtual function needs no path");
	else if (!d->path && !d->sriov_parent)
		problem_in(p, &d->section, "path",
			   "is missing; write path=0000:01:00.0, the device's address");
	if (d->path)
		check_address(d, "path", d->path, p);
}

static void check_function(const struct device *d, struct problems *p)
{
	bool vf = section_sets(&d->section, "sriov.vf");

	if (d->sriov_parent)
		check_address(d, "sriov.parent", d->sriov_parent, p);
	if (d->sriov_parent && !vf)
		problem_in(p, &d->section, "sriov.vf",
			   "is missing; write sriov.vf=0 for the first virtual function");
	if (!d->sriov_parent && (vf || d->sriov_mac))
		problem_in(p, &d->section, vf ? "sriov.vf" : "sriov.mac",
			   "needs sriov.parent, the address of the physical function");
}

static void check_identity(const struct device *d, struct problems *p)
{
	struct usb_identity identity;

	if (!d->path)
		problem_in(p, &d->section, "path",
			   "is missing; write path=vendorid=0x046d,productid=0xc52b for a device that "
			   "lsusb shows as 046d:c52b");
	else if (!usb_identity_read(d->path, &identity))
		problem_in(p, &d->section, "path",
			   "'%s' does not name a USB device; write vendorid=0x046d,productid=0xc52b "
			   "for one that lsusb shows as 046d:c52b",
			   d->path);
	if (d->sriov_parent)
		problem_in(p, &d->section, "sriov.parent", "is for PCI devices");
	if (d->expect)
		problem_in(p, &d->section, "expect",
			   "is for PCI devices; path names the identity of a USB device");
	if (!d->give_back)
		problem_in(p, &d->section, "giveBack",
			   "is for PCI devices; a USB device always goes back to its drivers");
}

static void check_expect(const struct device *d, struct problems *p)
{
	if (d->expect && !pci_id_fits(d->expect))
		problem_in(p, &d->section, "expect", "'%s' is not VENDOR:DEVICE, such as 8086:10d3",
			   d->expect);
}

static void check_property(const struct device *d, const char *key, const char *value,
			   struct problems *p)
{
	if (value && (!*value || strpbrk(value, ", =")))
		problem_in(p, &d->section, key, "'%s' is not a name; leave out ',', '=' and blanks",
			   value);
}

static void check_pair(const struct device *a, const struct device *b, struct problems *p)
{
	if (a->qemu_id && b->qemu_id && strcmp(a->qemu_id, b->qemu_id) == 0)
		problem_in(p, &b->section, "qemu.id", "'%s' is the ID of [device %s] already",
			   b->qemu_id, a->section.id);
}

void microvm_check_devices(const struct microvm *vm, struct problems *problems)
{
	for (size_t i = 0; i < vm->devices.count; i++) {
		const struct device *d = (const struct device *)vm->devices.at[i];

		if (d->bus == BUS_USB) {
			check_identity(d, problems);
		} else {
			check_place(d, problems);
			check_function(d, problems);
			check_expect(d, problems);
		}
		check_property(d, "qemu.id", d->qemu_id, problems);
		check_property(d, "qemu.bus", d->qemu_bus, problems);
		for (size_t j = 0; j < i; j++)
			check_pair((const struct device *)vm->devices.at[j], d, problems);
	}
}
