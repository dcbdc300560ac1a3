/* SPDX-License-Identifier: MIT */
/* measure.h: sizes and times as people read them. free() by the caller. */
#pragma once

#include <stdint.h>

/* "512M", "1.5G", "0B" */
char *measure_bytes(uint64_t bytes);
/* "3d 4h", "2min 5s"; "-" for none */
char *measure_seconds(uint64_t seconds);
