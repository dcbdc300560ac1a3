/* SPDX-License-Identifier: MIT */
/* apply.h: MicroVMs become what their files say now. */
#pragma once

#include <stdbool.h>

struct apply {
	const char *only; /* this MicroVM alone; NULL: all */
	bool restart;	  /* also where restartIfChanged=no */
	bool dry_run;	  /* only print what would be done */
};

/* Prints the plan first. Logs and returns an exit_code. */
int apply(const struct apply *how);
