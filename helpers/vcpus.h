/* SPDX-License-Identifier: MIT */
/* vcpus.h: whether a guest runs, as the kernel sees it, where its hypervisor cannot be asked. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Whether a thread of the process whose name begins so has used CPU time: one that only waits for
 * the devices to be there has not. */
bool vcpus_run(pid_t pid, const char *name);

/* The same for what /proc/PID/task/TID/stat says (proc(5)). */
bool vcpu_stat_runs(const char *stat, const char *name);
