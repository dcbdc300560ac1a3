/* SPDX-License-Identifier: MIT */
#include "attach.h"

#include "tap-node.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../config/keys.h"
#include "../hypervisors/limits.h"

#include <errno.h>
#include <fcntl.h>

enum { FIRST_FD = 3 };

/* 0 or -errno. The hypervisor would fail, and an old qemu abort, where this does. */
static int try_vhost(void)
{
	OWNED(drop_fd) int fd = open("/dev/vhost-net", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : 0;
}

static int find_vhost(const struct microvm *vm, struct attached *a)
{
	int error = try_vhost();

	a->vhost_net = error == 0;
	for (each(struct interface, i, vm->interfaces))
		if (error < 0 && section_sets(&i->section, "tap.vhost") && i->tap_vhost)
			return log_failure(error,
					   "[interface %s] tap.vhost: the host cannot do it: "
					   "/dev/vhost-net",
					   i->section.id);
	return EXIT_DONE;
}

static int open_queues(const struct microvm *vm, struct queues *q)
{
	const char *id = q->interface->section.id;
	unsigned wanted = hypervisor_queues(vm);
	OWNED(drop_str) char *note = macvtap_path(vm, q->interface);

	for (unsigned i = 0; i < wanted; i++) {
		int fd = tap_node_open(note, wanted > 1);

		if (fd < 0)
			return log_failure(fd,
					   "[interface %s] cannot be opened: %s, which "
					   "microvm-macvtap-interfaces@%s.service makes",
					   id, note, vm->name);
		q->fds[q->count++] = fd;
	}
	return EXIT_DONE;
}

static int attach_one(const struct microvm *vm, const struct interface *i, bool pretend,
		      struct attached *a)
{
	unsigned wanted = hypervisor_queues(vm);
	struct queues *q;

	a->at = must(reallocarray(a->at, a->count + 1, sizeof(*a->at)));
	q = &a->at[a->count++];
	*q = (struct queues){ .interface = i, .fds = must(calloc(wanted, sizeof(int))) };
	if (!pretend)
		return open_queues(vm, q);
	while (q->count < wanted) {
		q->fds[q->count] = FIRST_FD + (int)((a->count - 1) * wanted + q->count);
		q->count++;
	}
	return EXIT_DONE;
}

static bool has_taps(const struct microvm *vm)
{
	for (each(struct interface, i, vm->interfaces))
		if (i->type != NET_USER)
			return true;
	return false;
}

int attach(const struct microvm *vm, bool pretend, struct attached *ret)
{
	int r = has_taps(vm) ? find_vhost(vm, ret) : EXIT_DONE;

	if (hypervisor_of(vm)->opens_macvtaps)
		return r;
	for (each(struct interface, i, vm->interfaces))
		if (r == EXIT_DONE && i->type == NET_MACVTAP)
			r = attach_one(vm, i, pretend, ret);
	return r;
}

int attached_keep(const struct attached *a)
{
	for (size_t i = 0; i < a->count; i++)
		for (size_t j = 0; j < a->at[i].count; j++)
			if (fcntl(a->at[i].fds[j], F_SETFD, 0) < 0)
				return -errno;
	return 0;
}

/* The descriptors themselves end with the process, or go on as the hypervisor's. */
void drop_attached(struct attached *a)
{
	for (size_t i = 0; i < a->count; i++)
		free(a->at[i].fds);
	free(a->at);
	*a = (struct attached){ 0 };
}
