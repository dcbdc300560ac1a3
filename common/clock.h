/* SPDX-License-Identifier: MIT */
/* clock.h: time that passes, for patience. */
#pragma once

#include <stdint.h>

/* Of CLOCK_MONOTONIC. */
int64_t milliseconds_now(void);

static inline int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}
