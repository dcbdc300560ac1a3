/* SPDX-License-Identifier: MIT */
/* device.h: what names a device of the host. */
#pragma once

#include <stdbool.h>

/* As the kernel writes it: 0000:01:00.0, in lower case. */
bool pci_address_fits(const char *address);

/* VENDOR:DEVICE, each of four hexadecimal digits in lower case. */
bool pci_id_fits(const char *id);
