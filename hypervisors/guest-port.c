/* SPDX-License-Identifier: MIT */
#include "guest-port.h"

#include "hypervisor.h"
#include "../common/clock.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <linux/vm_sockets.h>

enum {
	LONGEST_ANSWER = sizeof("OK 4294967295\n") - 1,
	LAST_PORT_OF_ROOT = 1023, /* LAST_RESERVED_PORT of the kernel's af_vsock.c */
};

/* 0, or -ETIMEDOUT at UNTIL. */
static int wait_for(int fd, short events, int64_t until)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left = until - milliseconds_now();
	int n;

	do {
		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

static int finish_connect(int fd, int64_t until)
{
	int r = wait_for(fd, POLLOUT, until), error = 0;
	socklen_t size = sizeof(error);

	if (r < 0)
		return r;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -errno;
	return -error;
}

static int connect_to(int fd, const struct sockaddr *address, socklen_t size, int64_t until)
{
	int r = 0;

	if (connect(fd, address, size) < 0)
		r = errno == EINPROGRESS ? finish_connect(fd, until) : -errno;
	/* The second is what a guest's kernel says where nobody listens. */
	return r == -ECONNRESET ? -ECONNREFUSED : r;
}

static int open_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* The last one that is free. */
static int bind_as_root(int fd)
{
	struct sockaddr_vm address = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY };
	int r = -EADDRINUSE;

	for (unsigned port = LAST_PORT_OF_ROOT; port > 0 && r == -EADDRINUSE; port--) {
		address.svm_port = port;
		r = bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	}
	return r;
}

static int connect_cid(const char *cid, unsigned port, bool as_root, int64_t until, int *ret)
{
	const struct sockaddr_vm address = { .svm_family = AF_VSOCK,
					     .svm_cid = (unsigned)strtoul(cid, NULL, 10),
					     .svm_port = port };
	OWNED(drop_fd) int fd = open_socket(AF_VSOCK);
	int r = fd < 0 ? fd : 0;

	if (r == 0 && as_root)
		r = bind_as_root(fd);
	if (r == 0)
		r = connect_to(fd, (const struct sockaddr *)&address, sizeof(address), until);
	if (r == 0)
		*ret = MOVE_FD(fd);
	return r;
}

/* "OK PORT" and a line break, and not a byte more: what follows is the guest's. */
static int read_answer(int fd, int64_t until)
{
	char answer[LONGEST_ANSWER + 1] = "";
	ssize_t n = 1;

	for (size_t i = 0; i < LONGEST_ANSWER && !strchr(answer, '\n'); i += (size_t)n) {
		int r = wait_for(fd, POLLIN, until);

		if (r < 0)
			return r;
		n = recv(fd, &answer[i], 1, 0);
		if (n < 0)
			return errno == ECONNRESET ? -ECONNREFUSED : -errno;
		if (n == 0)
			return i == 0 ? -ECONNREFUSED : -EPROTO;
	}
	return strncmp(answer, "OK ", 3) == 0 && strchr(answer, '\n') ? 0 : -EPROTO;
}

static int ask(int fd, unsigned port, int64_t until)
{
	OWNED(drop_str) char *question = text_format("CONNECT %u\n", port);
	size_t n = strlen(question);

	/* A line that does not fit at once meets a hypervisor that does not read. */
	if (send(fd, question, n, MSG_NOSIGNAL) != (ssize_t)n)
		return errno == EPIPE ? -ECONNREFUSED : -EPROTO;
	return read_answer(fd, until);
}

static int connect_unix(const char *path, unsigned port, int64_t until, int *ret)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	OWNED(drop_fd) int fd = -1;
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = open_socket(AF_UNIX);
	r = fd < 0 ? fd : connect_to(fd, (struct sockaddr *)&address, sizeof(address), until);
	if (r == 0)
		r = ask(fd, port, until);
	if (r == 0)
		*ret = MOVE_FD(fd);
	return r;
}

static int made_blocking(int r, int fd)
{
	if (r == 0)
		(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return r == 0 ? fd : r;
}

int guest_port_connect(const struct microvm *vm, const char *dir, unsigned port, unsigned patience)
{
	OWNED(drop_str) char *path = hypervisor_vsock_socket(vm, dir);
	const int64_t until = milliseconds_now() + patience;
	int fd = -1, r;

	if (!vm->vsock.cid)
		return -EOPNOTSUPP;
	r = path ? connect_unix(path, port, until, &fd) : connect_cid(vm->vsock.cid, port, false, until, &fd);
	return made_blocking(r, fd);
}

int guest_port_connect_as_root(const struct microvm *vm, unsigned port, unsigned patience)
{
	int fd = -1, r;

	if (!hypervisor_uses_vhost_vsock(vm))
		return -EOPNOTSUPP;
	r = connect_cid(vm->vsock.cid, port, true, milliseconds_now() + patience, &fd);
	return made_blocking(r, fd);
}
