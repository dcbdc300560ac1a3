/* SPDX-License-Identifier: MIT */
#include "notify.h"

#include "../common/owned.h"
#include "../common/text.h"
#include "../hypervisors/hypervisor.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <linux/vm_sockets.h>

enum { PATIENCE = 60 * 1000 }; /* milliseconds */

static char *note_path(const char *dir)
{
	return text_format("%s/notify", dir);
}

static int listen_at(const struct sockaddr *address, socklen_t size, int *ret)
{
	OWNED(drop_fd) int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, address, size) < 0 || listen(fd, SOMAXCONN) < 0)
		return -errno;
	*ret = MOVE_FD(fd);
	return 0;
}

static int listen_unix(const char *path, int *ret)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	return listen_at((struct sockaddr *)&address, sizeof(address), ret);
}

static int listen_vsock(int *ret, unsigned *port)
{
	struct sockaddr_vm address = { .svm_family = AF_VSOCK,
				       .svm_cid = VMADDR_CID_ANY,
				       .svm_port = VMADDR_PORT_ANY };
	socklen_t size = sizeof(address);
	int r = listen_at((struct sockaddr *)&address, size, ret);

	if (r < 0)
		return r;
	if (getsockname(*ret, (struct sockaddr *)&address, &size) < 0)
		return -errno;
	*port = address.svm_port;
	return 0;
}

static int note_write(const char *path, unsigned port)
{
	OWNED(drop_str) char *fresh = text_format("%s.new", path);
	FILE *f = fopen(fresh, "we");
	int r;

	if (!f)
		return -errno;
	r = fprintf(f, "%u\n", port) < 0 ? -EIO : 0;
	if (fclose(f) != 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(fresh, path) < 0)
		r = -errno;
	return r;
}

int notify_listen(const struct microvm *vm, const char *dir, struct notify *ret)
{
	OWNED(drop_str) char *guest = hypervisor_vsock_socket(vm, dir);
	unsigned port = NOTIFY_PORT;
	int r;

	if (guest)
		ret->path = text_format("%s_%u", guest, port);
	ret->note = note_path(dir);
	r = guest ? listen_unix(ret->path, &ret->socket) : listen_vsock(&ret->socket, &port);
	return r < 0 ? r : note_write(ret->note, port);
}

void drop_notify(struct notify *n)
{
	drop_fd(&n->socket);
	if (n->path)
		(void)unlink(n->path);
	if (n->note)
		(void)unlink(n->note);
	free(n->path);
	free(n->note);
}

/* Takes it away: the next start has another. */
static int note_take(const char *path, unsigned *ret)
{
	OWNED(drop_file) FILE *f = fopen(path, "re");

	if (!f)
		return -errno;
	if (fscanf(f, "%u", ret) != 1)
		return -EBADMSG;
	return unlink(path) < 0 ? -errno : 0;
}

/* The note appears whole, by a rename. */
static int wait_change(int watch)
{
	struct pollfd p = { .fd = watch, .events = POLLIN };
	char events[4096];
	int n = poll(&p, 1, PATIENCE);

	if (n == 0)
		return -ETIMEDOUT;
	if (n > 0)
		n = (int)read(watch, events, sizeof(events));
	return n < 0 && errno != EINTR ? -errno : 0;
}

int notify_await(const char *dir, unsigned *ret)
{
	OWNED(drop_str) char *path = note_path(dir);
	OWNED(drop_fd) int watch = inotify_init1(IN_CLOEXEC);
	int r;

	if (watch < 0 || inotify_add_watch(watch, dir, IN_MOVED_TO) < 0)
		return -errno;
	while ((r = note_take(path, ret)) == -ENOENT) {
		r = wait_change(watch);
		if (r < 0)
			return r;
	}
	return r;
}
