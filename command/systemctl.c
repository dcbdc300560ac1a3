/* SPDX-License-Identifier: MIT */
/* What is systemctl's, by its own name, for who types it here. */
#include "verb.h"

#include "instance.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>

/* An option of ours is one of systemctl's. */
static void options_add(const struct call *call, struct words *argv)
{
	for (size_t i = 0; i < call->verb->option_count; i++)
		if (call->values[i])
			words_addf(argv, "--%s", call->verb->options[i].name);
}

static int become_systemctl(const struct call *call)
{
	OWNED(drop_words) struct words argv = { 0 };

	words_add(&argv, "systemctl");
	words_add(&argv, call->verb->name);
	options_add(call, &argv);
	for (int i = 0; i < call->count; i++) {
		OWNED(drop_str) char *name = NULL;
		int r = instance_name(call->arguments[i], &name);

		if (r != EXIT_DONE)
			return r;
		words_take(&argv, instance_unit(name));
	}
	(void)execvp(argv.at[0], argv.at);
	return log_failure(-errno, "%s", argv.at[0]);
}

#define SYSTEMCTL(NAME)                                                                            \
	int verb_##NAME(const struct call *call)                                                   \
	{                                                                                          \
		return become_systemctl(call);                                                     \
	}

SYSTEMCTL(start)
SYSTEMCTL(stop)
SYSTEMCTL(restart)
SYSTEMCTL(enable)
SYSTEMCTL(disable)
