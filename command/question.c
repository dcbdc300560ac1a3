/* SPDX-License-Identifier: MIT */
#include "question.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../hypervisors/control.h"

#include <errno.h>

enum { PATIENCE = 10 * 1000, TOLD_AFTER = 2000 }; /* milliseconds */

static void tell(const struct control *c, enum told what, int error)
{
	if (what == TOLD_ABSENT)
		log_failure(-error, "%s: %s; trying on", c->hypervisor->name, c->path);
	else if (what == TOLD_SILENT)
		log_line(LEVEL_NOTICE, "%s does not answer, perhaps another client holds %s; trying on",
			 c->hypervisor->name, c->path);
}

int put_question(const struct microvm *vm, const char *text, char **reply)
{
	const char *name = hypervisors[vm->hypervisor]->name;
	OWNED(drop_control) struct control c = {
		.hypervisor = hypervisors[vm->hypervisor],
		.path = vm->socket,
		.process = -1,
		.patience = TOLD_AFTER,
		.tell = tell,
		.socket = -1,
	};
	int r;

	if (!vm->socket || !*vm->socket) {
		log_line(LEVEL_ERROR, "%s has no control socket, by which %s could be asked", vm->name, name);
		return EXIT_REFUSED;
	}
	control_begin(&c);
	r = control_question(&c, text, milliseconds_now() + PATIENCE, reply);
	if (r == -EREMOTEIO) {
		log_line(LEVEL_ERROR, "%s refuses: %s", name, text);
		return EXIT_REFUSED;
	}
	return r < 0 ? log_failure(r, "%s does not answer", name) : EXIT_DONE;
}
