/* SPDX-License-Identifier: MIT */
/* credentials.h: secrets of the guest, which the unit gets as systemd's own credentials: PID 1
 * reads them at start and shows them to the MicroVM's user alone. */
#pragma once

#include "sink.h"
#include "../common/text.h"
#include "../config/model.h"

/* The values that stand in the configuration itself, as files for root alone beside the drop-in: a
 * setting is shown to everyone by systemctl and D-Bus. Returns 0 or -errno. */
int credentials_write(const struct sink *sink, const struct microvm *vm);

/* Adds to [Service] of microvm@NAME.service. */
void credential_service_lines(struct text *u, const struct microvm *vm);
