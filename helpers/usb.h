/* SPDX-License-Identifier: MIT */
/* usb.h: USB devices, as sysfs names them ("1-2.4"). ROOT as in pci.h. */
#pragma once

#include "../common/words.h"

#include <stdint.h>

/* Names of all that have the identity VENDOR:PRODUCT, as many as are plugged in. Returns 0 or -errno. */
int usb_find(const char *root, const char *identity, struct words *ret);

/* The path of its folder; free() by the caller. */
char *usb_path(const char *root, const char *name);

/* Its node in /dev, by which programs use it; free() by the caller. NULL where it is gone. */
char *usb_node(const char *root, const char *name);

/* Has drivers looked for, for those of its interfaces that have none: who used it may have ended
 * without giving them back. */
void usb_give_back(const char *root, const char *name, uint64_t usec);
