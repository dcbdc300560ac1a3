/* SPDX-License-Identifier: MIT */
/* attach.h: a connection to a MicroVM's console, by microvm-console@.service. */
#pragma once

#include "bus.h"

/* Starts the service, which waits for a hypervisor that does not run yet, and connects. Logs and
 * returns an exit_code. */
int attach_open(struct systemd *bus, const char *name, int *ret);
