/* SPDX-License-Identifier: MIT */
/* console.h: the console of a MicroVM, for those who attach to it. What the guest shows goes to the
 * journal by the hypervisor's standard output, whoever is there, and a copy of it to a FIFO, which
 * the kernel drops while nobody reads there; what is typed comes from another, the hypervisor's
 * standard input. So nobody has to be there for either. */
#pragma once

/* In the MicroVM's runtime folder. */
#define CONSOLE_COPY "console.out"
#define CONSOLE_TYPED "console.in"
/* Where microvm-console listens, below /run/microvm-console/NAME. */
#define CONSOLE_SOCKET "socket"

struct console {
	int copy; /* written to by the hypervisor; -1: the MicroVM has none */
	int typed;
};

/* Makes the FIFOs in DIR and opens them, to be closed on exec. Where microvm-console is there before
 * the hypervisor, waits a moment for it to read. Returns 0 or -errno. */
int console_open(const char *dir, const char *name, struct console *ret);

/* From now on exec passes the copy on, and the standard input is what is typed. Returns 0 or -errno. */
int console_keep(const struct console *c);

void drop_console(struct console *c);
