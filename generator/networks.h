/* SPDX-License-Identifier: MIT */
/* networks.h: what a MicroVM's interfaces need of units. */
#pragma once

#include "../common/text.h"
#include "../config/model.h"

/* Of microvm-tap-interfaces@, companions.h */
bool needs_taps(const struct microvm *vm);
void taps_unit(struct text *u, const struct microvm *vm);
void taps_service(struct text *u, const struct microvm *vm);

/* Of microvm-macvtap-interfaces@ */
bool needs_macvtaps(const struct microvm *vm);
void macvtaps_unit(struct text *u, const struct microvm *vm);
void macvtaps_service(struct text *u, const struct microvm *vm);

/* Of microvm@: the template has no network at all, and what is not asked for stays closed. */
void network_service_lines(struct text *u, const struct microvm *vm);
