/* SPDX-License-Identifier: MIT */
/* machine.h: a virtual machine as systemd-machined knows it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { MACHINE_INTERFACES = 64 };

struct machine {
	const char *name;
	const char *id;	  /* a UUID */
	const char *unit; /* that the leader is in */
	pid_t leader;
	int interfaces[MACHINE_INTERFACES]; /* numbers of the host's */
	size_t interface_count;
	uint32_t cid; /* 0: none that the host's kernel knows */
	bool ssh;     /* answers there */
};

/* Registers it, and takes the place of an entry that the same unit has left behind. Logs what is wrong
 * and returns an exit_code. */
int machine_register(const struct machine *m);
