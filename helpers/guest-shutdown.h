/* SPDX-License-Identifier: MIT */
/* guest-shutdown.h: asking the guest itself, where its hypervisor cannot (guest-stop.h). For root. */
#pragma once

#include "../config/model.h"

/* Asks, and waits for the end of the hypervisor, of which PROCESS is a pidfd, no longer than shutdownTimeout. VM is as
 * its start noted it. Logs what comes of it; returns an exit code. */
int guest_shut_down(const struct microvm *vm, int process);
