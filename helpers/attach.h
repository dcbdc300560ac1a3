/* SPDX-License-Identifier: MIT */
/* attach.h: what microvm-run opens of the interfaces that were made for its MicroVM. */
#pragma once

#include "../hypervisors/hypervisor.h"

struct attached {
	struct queues *at; /* of each macvtap */
	size_t count;
	bool vhost_net;
};

/* PRETEND opens nothing and says which descriptors it would be. Logs what is wrong and returns an
 * exit code. */
int attach(const struct microvm *vm, bool pretend, struct attached *ret);

/* From now on exec passes the descriptors on. Returns 0 or -errno. */
int attached_keep(const struct attached *a);

void drop_attached(struct attached *a);
