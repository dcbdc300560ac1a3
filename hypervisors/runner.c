/* SPDX-License-Identifier: MIT */
/* A runner package in a hypervisor's place: what it starts is its own affair, so it gets what any of them could
 * want, and is asked nothing. */
#include "hypervisor.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *package(const struct microvm *vm)
{
	(void)vm;
	return NULL;
}

static void command(const struct microvm *vm, const struct launch *launch, struct words *argv)
{
	(void)vm;
	words_add(argv, launch->program);
}

/* A package says which taps it has, and not what else it opens. */
static void settings(const struct microvm *vm, struct words *ret)
{
	static const char *const open[] = {
		"PrivateNetwork=no",
		"IPAddressDeny=",
		"RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_VSOCK",
		"DeviceAllow=/dev/net/tun rw",
		"DeviceAllow=char-macvtap rw",
		"DeviceAllow=/dev/vhost-net rw",
		"DeviceAllow=/dev/vhost-vsock rw",
	};

	(void)vm;
	for (size_t i = 0; i < sizeof(open) / sizeof(*open); i++)
		words_add(ret, open[i]);
}

/* What an earlier run left, of this package or of another program. */
static int remove_old(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISLNK(st.st_mode) && !S_ISSOCK(st.st_mode))
		return -EEXIST;
	return unlink(path) < 0 ? -errno : 0;
}

/* The package knows virtiofsd's socket by a name of its own. */
static int link_socket(const struct microvm *vm, const struct share *s)
{
	OWNED(drop_str) char *socket = share_socket(vm, s);
	int r = remove_old(s->socket);

	if (r == 0 && symlink(socket, s->socket) < 0)
		r = -errno;
	return r < 0 ? log_failure(r, "[share %s] socket: %s cannot be made a link to %s", s->section.id,
				   s->socket, socket) : EXIT_DONE;
}

static int prepare(const struct microvm *vm, const struct launch *launch)
{
	int r = EXIT_DONE;

	(void)launch;
	for (each(struct share, s, vm->shares))
		if (r == EXIT_DONE)
			r = link_socket(vm, s);
	return r;
}

const struct hypervisor hypervisor_runner = {
	.name = "runner package",
	.own_affair = true,
	.opens_macvtaps = true,
	.names_process = true,
	.multi_queue = true,
	.protocol = PROTOCOL_NONE,
	/* A guest that reboots ends most hypervisors, and no exit status tells. */
	.restart = "always",
	.package = package,
	.command = command,
	.settings = settings,
	.prepare = prepare,
};
