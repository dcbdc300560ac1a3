/* SPDX-License-Identifier: MIT */
/* device.h: what names a device of the host. */
#pragma once

#include <stdbool.h>

/* As the kernel writes it: 0000:01:00.0, in lower case. */
bool pci_address_fits(const char *address);

struct usb_identity {
	char text[10]; /* VENDOR:PRODUCT, as the kernel writes both */
};

/* "vendorid=0x046d,productid=0xc52b", with one to four digits each. */
bool usb_identity_read(const char *path, struct usb_identity *ret);

/* VENDOR:DEVICE, each of four hexadecimal digits in lower case. */
bool pci_id_fits(const char *id);
