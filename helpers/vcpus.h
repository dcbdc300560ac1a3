/* SPDX-License-Identifier: MIT */
/* vcpus.h: whether a guest runs, as the kernel sees it, where its hypervisor does not tell. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Whether the process has used more CPU time than a hypervisor needs until it has its devices. (Its
 * threads would tell more, but two commands of one unit are in two user namespaces, and its /proc
 * shows them nothing of each other.) */
bool vcpus_run(pid_t pid);
