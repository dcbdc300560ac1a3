/* SPDX-License-Identifier: MIT */
/* host-link.h: an interface of the host as it is now. */
#pragma once

#include "../common/words.h"

struct host_link {
	bool exists, up;
	char *bridge;		/* or what else it is a port of; NULL: nothing */
	struct words addresses; /* "10.0.0.1/24" */
};

void host_link_read(const char *name, struct host_link *ret);
void drop_host_link(struct host_link *l);
