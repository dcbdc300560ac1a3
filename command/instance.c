/* SPDX-License-Identifier: MIT */
#include "instance.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/problems.h"
#include "../config/sources.h"
#include "../helpers/state.h"

#include <errno.h>
#include <string.h>

int instance_name(const char *argument, char **ret)
{
	static const char prefix[] = "microvm@", suffix[] = ".service";
	bool unit = strncmp(argument, prefix, strlen(prefix)) == 0;
	OWNED(drop_str) char *name = text_copy(argument + (unit ? strlen(prefix) : 0));
	size_t n = strlen(name), m = strlen(suffix);

	if (unit && n > m && strcmp(name + n - m, suffix) == 0)
		name[n - m] = '\0';
	if (!microvm_name_fits(name)) {
		log_line(LEVEL_ERROR,
			 "'%s' is no name of a MicroVM: a to z, 0 to 9 and -, up to 63 of them",
			 argument);
		return EXIT_CALLED_WRONGLY;
	}
	*ret = MOVE(name);
	return EXIT_DONE;
}

char *instance_unit(const char *name)
{
	return text_format("microvm@%s.service", name);
}

int instance_state(const char *name, struct microvm *ret)
{
	OWNED(drop_str) char *dir = text_format("/run/microvm/%s", name);
	OWNED(drop_problems) struct problems problems = { 0 };

	microvm_init(ret, name);
	return state_read(dir, ret, &problems);
}

int instance_running(const char *name, struct microvm *ret)
{
	int r = instance_state(name, ret);

	if (r == -ENOENT) {
		log_line(LEVEL_ERROR, "%s does not run; systemctl start microvm@%s", name, name);
		return EXIT_REFUSED;
	}
	return r < 0 ? log_failure(r, "cannot read what the start of %s noted", name) : EXIT_DONE;
}
