/* SPDX-License-Identifier: MIT */
#include "verb.h"

#include "attach.h"
#include "instance.h"
#include "terminal.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../hypervisors/hypervisor.h"

static bool leave(void *arg)
{
	(void)arg;
	return true;
}

static int refuse(const struct microvm *vm)
{
	const struct hypervisor *h = hypervisor_of(vm);

	if (h->console)
		log_line(LEVEL_ERROR, "%s has no serial console ([%s] serialConsole=no)", vm->name,
			 h->name);
	else
		log_line(LEVEL_ERROR,
			 "%s shows the console of %s in the journal alone: journalctl -f -u "
			 "microvm@%s",
			 h->name, vm->name, vm->name);
	return EXIT_REFUSED;
}

static int join(const struct microvm *vm)
{
	OWNED(drop_systemd) struct systemd bus = { 0 };
	OWNED(drop_fd) int socket = -1;
	int r = bus_open(&bus);

	if (r == EXIT_DONE)
		r = attach_open(&bus, vm->name, &socket);
	if (r != EXIT_DONE)
		return r;
	r = terminal_join(socket, "attached; Ctrl-] leaves", NULL, leave, NULL);
	if (r < 0)
		return log_failure(r, "the terminal");
	terminal_tell(r == 0 ? "the hypervisor has ended" : "left");
	return EXIT_DONE;
}

int verb_console(const struct call *call)
{
	OWNED(drop_microvm) struct microvm vm = { 0 };
	OWNED(drop_str) char *name = NULL;
	int r = instance_name(call->arguments[0], &name);

	if (r == EXIT_DONE)
		r = instance_running(name, &vm);
	if (r != EXIT_DONE)
		return r;
	return hypervisor_has_console(&vm) ? join(&vm) : refuse(&vm);
}
