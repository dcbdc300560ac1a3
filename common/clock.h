/* SPDX-License-Identifier: MIT */
/* clock.h: time that passes, for patience. */
#pragma once

#include <stdint.h>

/* Of CLOCK_MONOTONIC. */
int64_t milliseconds_now(void);
