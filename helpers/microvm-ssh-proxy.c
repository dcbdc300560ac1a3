/* SPDX-License-Identifier: MIT */
/* microvm-ssh-proxy: ProxyCommand= of ssh_config(5) for a MicroVM that runs, which microvm ssh sets. Opens a port of the
 * guest over vsock and hands the connection to ssh by its standard output (ProxyUseFdpass=yes), so that nobody stands
 * between the two. */
#include "state.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../hypervisors/guest-port.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { PATIENCE = 10000 }; /* milliseconds */

static bool port_read(const char *text, unsigned *ret)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || port == 0 || port >= UINT32_MAX)
		return false;
	*ret = (unsigned)port;
	return true;
}

static int read_state(const char *name, const char *dir, struct microvm *ret)
{
	OWNED(drop_problems) struct problems problems = { 0 };
	int r;

	microvm_init(ret, name);
	r = state_read(dir, ret, &problems);
	if (r == -ENOENT) {
		log_line(LEVEL_ERROR, "%s does not run", name);
		return EXIT_REFUSED;
	}
	return r < 0 ? log_failure(r, "%s/state", dir) : EXIT_DONE;
}

static int refuse(const struct microvm *vm, unsigned port, int error)
{
	if (error == -EOPNOTSUPP)
		log_line(LEVEL_ERROR, "%s has no vsock; write cid=auto in [vsock]", vm->name);
	else if (error == -ECONNREFUSED)
		log_line(LEVEL_ERROR, "nobody listens on port %u of vsock in the guest of %s%s", port, vm->name,
			 vm->vsock.ssh_enable ? " (yet)" : "; its sshd does with ssh.enable=yes in [vsock]");
	else
		return log_failure(error, "port %u of vsock in the guest of %s", port, vm->name);
	return EXIT_REFUSED;
}

/* ssh waits for one byte, and the descriptor with it. */
static int hand_over(int to, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	char byte = '\0';
	struct iovec part = { .iov_base = &byte, .iov_len = sizeof(byte) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return sendmsg(to, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
	OWNED(drop_microvm) struct microvm vm = { 0 };
	OWNED(drop_str) char *dir = NULL;
	OWNED(drop_fd) int fd = -1;
	unsigned port;
	int r;

	log_to_people("microvm-ssh-proxy");
	if (argc != 3 || !port_read(argv[2], &port))
		return log_usage("microvm-ssh-proxy NAME PORT");
	dir = runtime_dir(argv[1]);
	r = read_state(argv[1], dir, &vm);
	if (r != EXIT_DONE)
		return r;
	fd = guest_port_connect(&vm, dir, port, PATIENCE);
	if (fd < 0)
		return refuse(&vm, port, fd);
	r = hand_over(STDOUT_FILENO, fd);
	if (r == -ENOTSOCK) {
		log_line(LEVEL_ERROR, "standard output is no socket: ssh needs ProxyUseFdpass=yes as well");
		return EXIT_CALLED_WRONGLY;
	}
	return r < 0 ? log_failure(r, "cannot hand the connection over") : EXIT_DONE;
}
