/* SPDX-License-Identifier: MIT */
/* result.h: what tests/unit/run counts; main() ends with "return finish();". */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int failed;

static inline void ok(bool good, const char *name)
{
	printf("%s - %s\n", good ? "ok" : "not ok", name);
	failed += !good;
}

/* WANT and HAVE may be NULL. */
static inline void equal(const char *want, const char *have, const char *name)
{
	bool good = want && have ? strcmp(want, have) == 0 : want == have;

	ok(good, name);
	if (!good)
		printf("# want: %s\n# have: %s\n", want ? want : "(nothing)",
		       have ? have : "(nothing)");
}

static inline int finish(void)
{
	return failed > 0;
}

/* The same numbers in each run; the seed is only told where it can be chosen. */
static inline unsigned random_next(unsigned long *state)
{
	*state = *state * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(*state >> 33);
}
