/* SPDX-License-Identifier: MIT */
/* process.h: processes that are waited for. */
#pragma once

#include "../common/text.h"

#include <stdbool.h>

/* A descriptor of the unit's main process, which systemd names in $MAINPID; it becomes readable when
 * the process ends (pidfd_open(2)). Returns -ESRCH where there is none (any more). */
int main_process(int *ret);

bool process_ended(int process);

/* Until nobody but us is left in the unit's control group, so that systemd has nobody to kill in it; some seconds at
 * most. */
void unit_wait_alone(void);

/* Runs a program with one argument (NULL: none) and takes what it prints. Returns its exit status, 128 + the
 * signal that ended it, or -errno; -E2BIG where it prints more than a command line may hold. */
int program_output(const char *program, const char *argument, struct text *ret);
