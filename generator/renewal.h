/* SPDX-License-Identifier: MIT */
/* renewal.h: what was prepared for another run makes a start a restart, see microvm-renew@.service. Who takes what was
 * prepared leaves a mark in the folder of the unit that prepared it. */
#pragma once

#include "../common/text.h"
#include "../config/model.h"

/* Whether anything is prepared that ends with its run. */
bool needs_renewal(const struct microvm *vm);

/* For the [Unit] section of microvm-renew@.service: when it has something to do. */
void renewal_unit(struct text *u, const struct microvm *vm);

/* For the [Service] section of the MicroVM, whose start leaves the marks. */
void renewal_service_lines(struct text *u, const struct microvm *vm);
