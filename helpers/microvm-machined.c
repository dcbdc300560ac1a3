/* SPDX-License-Identifier: MIT */
/* microvm-machined: ExecStartPost= of microvm@.service, where systemd-machined is installed and
 * registerWithMachined says so. Registers the MicroVM from a process that then is its leader
 * (microvm-leader.c). Nobody waits for it: a MicroVM runs as well without. */
#include "machine.h"
#include "state.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/arguments.h"
#include "../config/identity.h"
#include "../hypervisors/hypervisor.h"
#include "paths.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

enum { LOOK_EVERY = 10, LOOK_FOR = 2000 }; /* milliseconds */

static void fill_interfaces(const struct microvm *vm, struct machine *m)
{
	for (each(struct interface, i, vm->interfaces)) {
		unsigned index = i->type == NET_USER ? 0 : if_nametoindex(i->section.id);

		if (index > 0 && m->interface_count < MACHINE_INTERFACES)
			m->interfaces[m->interface_count++] = (int)index;
	}
}

/* microvm-run notes it a moment before it becomes the hypervisor. */
static int await_state(const char *dir, struct microvm *ret, struct problems *problems)
{
	int r = state_read(dir, ret, problems);

	for (int left = LOOK_FOR; r == -ENOENT && left > 0; left -= LOOK_EVERY) {
		(void)usleep(LOOK_EVERY * 1000);
		r = state_read(dir, ret, problems);
	}
	return r;
}

/* The number that the start has chosen. */
static void fill_cid(const char *name, struct machine *m)
{
	OWNED(drop_microvm) struct microvm noted = { 0 };
	OWNED(drop_problems) struct problems problems = { 0 };
	OWNED(drop_str) char *dir = text_format("/run/microvm/%s", name);

	microvm_init(&noted, name);
	if (await_state(dir, &noted, &problems) < 0 || !hypervisor_uses_vhost_vsock(&noted))
		return;
	m->cid = (uint32_t)strtoul(noted.vsock.cid, NULL, 10);
	m->ssh = noted.vsock.ssh_enable;
}

static int become_leader(struct microvm *vm)
{
	struct machine m = { .name = vm->name, .leader = getpid() };
	OWNED(drop_str) char *unit = text_format("microvm@%s.service", vm->name);
	unsigned char host[16];
	int r = vm->machine_id ? 0 : identity_host("/etc/machine-id", host);

	if (r < 0)
		return log_failure(r, "/etc/machine-id");
	if (!vm->machine_id)
		identity_fill(vm, host);
	m.id = vm->machine_id;
	m.unit = unit;
	fill_interfaces(vm, &m);
	fill_cid(vm->name, &m);
	r = machine_register(&m);
	if (r != EXIT_DONE)
		return r;
	(void)execl(HELPERDIR "/microvm-leader", "microvm-leader", unit, NULL);
	return log_failure(-errno, HELPERDIR "/microvm-leader");
}

int main(int argc, char **argv)
{
	OWNED(drop_microvm) struct microvm vm = { 0 };
	pid_t pid;
	int r;

	if (argc < 2 || *argv[1] == '-')
		return log_usage("microvm-machined NAME [SECTION[.ID].KEY=VALUE...]");
	r = arguments_microvm(&vm, argv[1], argv + 2);
	if (r != EXIT_DONE)
		return r;
	pid = fork();
	if (pid < 0)
		return log_failure(-errno, "cannot make a process");
	return pid == 0 ? become_leader(&vm) : EXIT_DONE;
}
