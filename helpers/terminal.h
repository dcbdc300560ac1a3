/* SPDX-License-Identifier: MIT */
/* terminal.h: a terminal for a hypervisor whose console that is. */
#pragma once

#include "console.h"

/* Makes a terminal the standard input and output of this process, for the program that it becomes. The other
 * end has microvm-terminal, which is started here: it goes on to what was the standard output, and to the
 * console. Returns 0 or -errno. */
int terminal_take(const struct console *c);
