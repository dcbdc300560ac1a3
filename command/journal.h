/* SPDX-License-Identifier: MIT */
/* journal.h: what a unit has written last. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef void line_handler(void *context, uint64_t usec, const char *line);

/* Hands over the last lines of a unit's processes, as far as we may read them; what a console writes to move
 * about on a screen is left out. Returns 0 or -errno. */
int journal_last(const char *unit, size_t lines, line_handler *handler, void *context);
