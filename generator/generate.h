/* SPDX-License-Identifier: MIT */
/* generate.h: from all configuration files to all units, in one pass. */
#pragma once

#include "sink.h"
#include "../config/sources.h"

/* What is told of one file's problems, or of the run's as a whole. */
typedef void problems_teller(const struct problems *problems);

/* What one file came to. */
struct outcome {
	const struct source *source;
	struct microvm *vm; /* to be looked at, or taken with another from microvm_init() in its place */
	const struct problems *problems;
	uint64_t digest; /* of the drop-ins, with no errors and a sink */
};
typedef void outcome_teller(void *context, const struct outcome *outcome);

struct generate {
	const struct sink *sink; /* NULL: only judge */
	const char *root;        /* stands in front of the host's paths; "" on a real host */
	problems_teller *tell;
	outcome_teller *seen; /* NULL: the problems are enough */
	void *context;        /* of seen */
	bool look_at_host; /* also warn of what the host does not have now */
};

/* Returns 0, -EINVAL when a configuration was refused (its unit is written all the same), or another
 * -errno when units could not be written. */
int generate(const struct generate *g, const struct sources *sources);
