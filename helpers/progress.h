/* SPDX-License-Identifier: MIT */
/* progress.h: what a service that takes long is at, for who waits for it: the status of its unit.
 */
#pragma once

#include "../common/words.h"

#include <stdbool.h>
#include <stdint.h>

/* For who could tell something all the time: whether people would see it. No in the first moment,
 * then some times a second. */
bool progress_is_due(void);

/* Until something else is told, or the end. */
void progress_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
void progress_end(void);

/* program_run(), with DOING told where it takes more than a moment. If it has about TOTAL bytes to
 * read (0: that tells nothing) the share of them that it has read is told too. */
int progress_run(const struct words *argv, int given, const char *doing, uint64_t total);
