/* SPDX-License-Identifier: MIT */
/* virtual-function.h: a device that is a virtual function, before it is taken like any other. */
#pragma once

#include "../config/model.h"

/* Makes the parent's virtual functions where there are none, gives this one its hardware address where
 * the parent is a NIC, and sets the device's path to its address. Logs what is wrong and returns an exit
 * code. */
int virtual_function_make(const struct microvm *vm, struct device *d);
