/* SPDX-License-Identifier: MIT */
/* terminal.h: a terminal for a program that wants one at its standard input and writes to its
 * standard output, whatever that is. */
#pragma once

/* Makes the standard input of this process a terminal on which nobody ever types. Its other end
 * stays open over exec, so that the program that this process becomes holds both and nobody else is
 * needed. Returns 0 or -errno. */
int terminal_take(void);
