/* SPDX-License-Identifier: MIT */
/* device-use.h: whether the host itself lives on a device. */
#pragma once

/* What would be lost with the device, whose folder in sysfs is PATH: "the default route (eth0)", "the
 * file system on /"; NULL: nothing that is known. free() by the caller. ROOT as in pci.h; PATH has it
 * in front. */
char *device_use(const char *root, const char *path);
