/* SPDX-License-Identifier: MIT */
#include "vsock.h"

#include "unit.h"
#include "../common/owned.h"
#include "../hypervisors/hypervisor.h"
#include "paths.h"

void vsock_units(const struct microvm *vm, struct words *wants)
{
	if (hypervisor_uses_vhost_vsock(vm))
		words_add(wants, "modprobe@vhost_vsock.service");
}

void vsock_stop_lines(struct text *u, const char *name, const char *cid)
{
	OWNED(drop_words) struct words inside = { 0 };
	OWNED(drop_words) struct words outside = { 0 };

	words_add(&inside, "--guest");
	words_add(&inside, name);
	if (cid)
		words_add(&inside, cid);
	words_add(&outside, name);
	unit_set(u, "ExecStop", "");
	unit_exec(u, "ExecStop", "-+", HELPERDIR "/microvm-shutdown", &inside);
	unit_exec(u, "ExecStop", "", HELPERDIR "/microvm-shutdown", &outside);
}

void vsock_service_lines(struct text *u, const struct microvm *vm)
{
	if (!hypervisor_uses_vhost_vsock(vm))
		return;
	unit_set(u, "DeviceAllow", "/dev/vhost-vsock rw");
	/* microvm-ready listens; the hypervisor needs no socket of that kind. */
	if (vm->readiness == READINESS_GUEST)
		unit_set(u, "RestrictAddressFamilies", "AF_VSOCK");
}
