/* SPDX-License-Identifier: MIT */
#include "verb.h"

#include "instance.h"
#include "ssh-words.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../hypervisors/hypervisor.h"

#include <errno.h>
#include <unistd.h>

/* The same path on all of systemd's distributions: its own snippet for ssh_config names it. */
static const char systemd_proxy[] = "/usr/lib/systemd/systemd-ssh-proxy";

static int refuse(const struct microvm *vm)
{
	const struct hypervisor *h = hypervisor_of(vm);
	bool vsock = hypervisor_can(h, CAN_VSOCK), forward = hypervisor_can(h, CAN_FORWARD_PORT);

	if (vm->runner) {
		log_line(LEVEL_ERROR, "%s runs by a package, which alone knows a way to its guest", vm->name);
		return EXIT_REFUSED;
	}
	log_line(LEVEL_ERROR, "%s has no vsock, and no port of the host leads to its port 22%s%s%s", vm->name,
		 vsock ? "; write cid=auto and ssh.enable=yes in [vsock]" : "",
		 forward ? ", or guest.port=22 in a [forwardPort]," : "", vsock ? " and restart it" : "");
	return EXIT_REFUSED;
}

static int become_ssh(const struct microvm *vm, enum ssh_way way, const struct call *call)
{
	OWNED(drop_words) struct words argv = { 0 };

	ssh_words(vm, way, access(systemd_proxy, X_OK) == 0 ? systemd_proxy : NULL, call_value(call, "user"),
		  call->arguments + 1, &argv);
	(void)execvp(argv.at[0], argv.at);
	if (errno == ENOENT)
		log_line(LEVEL_ERROR, "ssh is not installed (on Debian: apt install openssh-client)");
	else
		(void)log_failure(-errno, "%s", argv.at[0]);
	return EXIT_REFUSED;
}

int verb_ssh(const struct call *call)
{
	OWNED(drop_microvm) struct microvm vm = { 0 };
	OWNED(drop_str) char *name = NULL;
	int r = instance_name(call->arguments[0], &name);
	enum ssh_way way;

	if (r == EXIT_DONE)
		r = instance_running(name, &vm);
	if (r != EXIT_DONE)
		return r;
	way = ssh_way(&vm);
	if (way == SSH_NOWHERE)
		return refuse(&vm);
	if (way != SSH_FORWARDED && !vm.vsock.ssh_enable && isatty(STDERR_FILENO))
		log_line(LEVEL_NOTICE, "without ssh.enable=yes in [vsock] only an sshd that listens there by itself answers");
	return become_ssh(&vm, way, call);
}
