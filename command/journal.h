/* SPDX-License-Identifier: MIT */
/* journal.h: what a unit has written last. */
#pragma once

#include <stddef.h>

/* Prints the last lines of a unit's processes, with their time, as far as we may read them; what a
 * console writes to move about on a screen is left out. Returns 0 or -errno. */
int journal_print_last(const char *unit, size_t lines);
