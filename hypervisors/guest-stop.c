/* SPDX-License-Identifier: MIT */
#include "guest-stop.h"

#include "hypervisor.h"

#include "../common/base64.h"
#include "../common/owned.h"

#include <string.h>

#define UNIT "microvm-shutdown"

bool guest_stop_wanted(const struct microvm *vm)
{
	return vm->vsock.cid && hypervisor_of(vm)->ends_with;
}

void guest_stop_check(const struct microvm *vm, struct problems *problems)
{
	const struct hypervisor *h = hypervisor_of(vm);

	if (h->ends_with && !vm->vsock.cid)
		warning_in(problems, &vm->section, "hypervisor",
			   "%s cannot ask its guest to shut down: a stop cuts its power; write cid=auto in [vsock], over which "
			   "a guest whose systemd is 256 or later is asked", h->name);
}

static void add_unit(struct text *line, const char *name, const char *text)
{
	text_addf(line, " systemd.set_credential_binary=systemd.extra-unit.%s:", name);
	base64_add(line, text, strlen(text));
}

/* Everybody on the host can knock, which must not wear the socket out. */
static void add_socket(struct text *line)
{
	OWNED(drop_str) char *text = text_format("[Socket]\nListenStream=vsock::%d\nAccept=yes\n"
						 "TriggerLimitIntervalSec=0\n", GUEST_STOP_PORT);

	add_unit(line, UNIT ".socket", text);
}

/* The host is number 2, and a guest of the guest another. */
static void add_service(struct text *line, const char *action)
{
	OWNED(drop_str) char *text = text_format(
		"[Unit]\nCollectMode=inactive-or-failed\nSuccessAction=%s\n[Service]\n"
		"ExecStart=/bin/sh -c '[ $REMOTE_PORT -lt 1024 -a $REMOTE_ADDR = vsock:2 ]'\n", action);

	add_unit(line, UNIT "@.service", text);
}

void guest_stop_add(struct text *line, const struct microvm *vm)
{
	if (!guest_stop_wanted(vm))
		return;
	add_socket(line);
	add_service(line, hypervisor_of(vm)->ends_with);
	text_add(line, " systemd.wants=" UNIT ".socket");
}
