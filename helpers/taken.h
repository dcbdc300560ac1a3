/* SPDX-License-Identifier: MIT */
/* taken.h: what the host has prepared for a MicroVM is for one run. */
#pragma once

/* Makes the files that $MICROVM_TAKES names, with colons between them: each says that what the unit of its folder has
 * prepared is taken, until that folder goes with the unit. microvm-renew@.service sees them at the next start. Only
 * warns: what cannot be marked can be used. */
void prepared_take(void);
