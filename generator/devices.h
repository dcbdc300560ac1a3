/* SPDX-License-Identifier: MIT */
/* devices.h: what units say of the host's devices that a MicroVM gets. */
#pragma once

#include "sink.h"
#include "../common/text.h"
#include "../config/model.h"

bool needs_pci_devices(const struct microvm *vm);
bool needs_usb_devices(const struct microvm *vm);

/* [Unit] of microvm@ and of microvm-pci-devices@: both live as long as the devices do. */
void devices_unit(struct text *u, const struct microvm *vm);
/* [Unit] of microvm-pci-devices@ */
void pci_unit(struct text *u, const struct microvm *vm);
/* [Service] of microvm-pci-devices@ */
void pci_service(struct text *u, const struct microvm *vm);
/* [Service] of microvm-usb-devices@ */
void usb_service(struct text *u, const struct microvm *vm);
/* [Service] of microvm@ */
void device_service_lines(struct text *u, const struct microvm *vm);

/* Has it told when a block device goes under a MicroVM that runs. Returns 0 or -errno. */
int disks_watch(const struct sink *sink, const struct microvm *vm);

/* What udev looks for when a device appears, and systemd starts then. Returns 0 or -errno. */
int devices_link(const struct sink *sink, const struct microvm *vm);
