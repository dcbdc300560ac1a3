/* SPDX-License-Identifier: MIT */
#include "vsock.h"

#include "unit.h"
#include "../hypervisors/hypervisor.h"

void vsock_units(const struct microvm *vm, struct words *wants)
{
	if (hypervisor_uses_vhost_vsock(vm))
		words_add(wants, "modprobe@vhost_vsock.service");
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
