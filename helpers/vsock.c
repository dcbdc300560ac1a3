/* SPDX-License-Identifier: MIT */
#include "vsock.h"

#include "state.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/identity.h"
#include "../hypervisors/hypervisor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/vhost.h>
#include <string.h>
#include <sys/ioctl.h>

enum { STEPS = 64 };

/* -EADDRINUSE: it belongs to another guest, or to another open node of the device. */
static int take(int vhost, const char *cid)
{
	uint64_t number = strtoull(cid, NULL, 10);

	return ioctl(vhost, VHOST_VSOCK_SET_GUEST_CID, &number) < 0 ? -errno : 0;
}

static void choose(struct microvm *vm, unsigned step)
{
	free(vm->vsock.cid);
	vm->vsock.cid = text_format("%" PRIu32, identity_cid(vm->name, step));
}

static int take_any(struct microvm *vm, int vhost)
{
	int r = -EADDRINUSE;

	for (unsigned step = 0; step < STEPS && r == -EADDRINUSE; step++) {
		choose(vm, step);
		r = take(vhost, vm->vsock.cid);
	}
	return r;
}

static int take_cid(struct microvm *vm, bool any, int vhost)
{
	int r = any ? take_any(vm, vhost) : take(vhost, vm->vsock.cid);

	if (r != -EADDRINUSE)
		return r < 0 ? log_failure(r, "[vsock] cid: %s", vm->vsock.cid) : EXIT_DONE;
	log_line(LEVEL_ERROR, "[vsock] cid: %s is the address of another guest of this host; write another%s",
		 vm->vsock.cid, any ? "" : ", or auto");
	return EXIT_REFUSED;
}

int vsock_claim(struct microvm *vm, bool pretend, int *ret)
{
	bool any = vm->vsock.cid && strcmp(vm->vsock.cid, "auto") == 0;
	OWNED(drop_fd) int vhost = -1;
	int r;

	if (any)
		choose(vm, 0);
	if (pretend || !hypervisor_uses_vhost_vsock(vm))
		return EXIT_DONE;
	vhost = open("/dev/vhost-vsock", O_RDWR | O_CLOEXEC);
	if (vhost < 0)
		return log_failure(-errno, "[vsock] cid: the host's kernel cannot speak with guests (module "
					   "vhost_vsock): /dev/vhost-vsock");
	r = take_cid(vm, any, vhost);
	if (r == EXIT_DONE)
		*ret = MOVE_FD(vhost);
	return r;
}

static bool notes(const char *name, const char *cid)
{
	OWNED(drop_str) char *dir = text_format("/run/microvm/%s", name);
	OWNED(drop_problems) struct problems problems = { 0 };
	OWNED(drop_microvm) struct microvm vm;

	microvm_init(&vm, name);
	return state_read(dir, &vm, &problems) == 0 && hypervisor_uses_vhost_vsock(&vm) && strcmp(vm.vsock.cid, cid) == 0;
}

static bool another_notes(const char *name, const char *cid)
{
	OWNED(drop_dir) DIR *dir = opendir("/run/microvm");
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (*entry->d_name != '.' && strcmp(entry->d_name, name) != 0 && notes(entry->d_name, cid))
			return true;
	return false;
}

bool vsock_is_its_own(const struct microvm *vm)
{
	unsigned long number = strtoul(vm->vsock.cid, NULL, 10);

	for (unsigned step = 0; step < STEPS; step++)
		if (identity_cid(vm->name, step) == number)
			return true;
	return !another_notes(vm->name, vm->vsock.cid);
}
