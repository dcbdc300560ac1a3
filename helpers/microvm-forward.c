/* SPDX-License-Identifier: MIT */
/* microvm-forward: qemu calls this for each connection of the guest to a forwarded port
 * (forwardPort with from=guest). Its standard input and output are the guest's connection; it
 * connects to the host's port and passes on what comes, both ways, until both ends have said all.
 */
#include "../common/log.h"
#include "../common/owned.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

struct way {
	int from, to; /* from is -1 when it has ended */
};

static int connect_to(const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	OWNED(drop_fd) int fd = -1;

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1 || to.sin_port == 0)
		return -EINVAL;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return MOVE_FD(fd);
}

static int write_all(int fd, const char *bytes, size_t left)
{
	while (left > 0) {
		ssize_t n = write(fd, bytes, left);

		if (n < 0 && errno != EINTR)
			return -errno;
		bytes += n < 0 ? 0 : n;
		left -= n < 0 ? 0 : (size_t)n;
	}
	return 0;
}

/* One piece; the end of one side is told to the other, which may still have to say something. */
static int pass(struct way *w)
{
	char bytes[65536];
	ssize_t n = read(w->from, bytes, sizeof(bytes));

	if (n > 0)
		return write_all(w->to, bytes, (size_t)n);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	(void)shutdown(w->to, SHUT_WR);
	w->from = -1;
	return 0;
}

static int pass_both(struct way ways[2])
{
	while (ways[0].from >= 0 || ways[1].from >= 0) {
		struct pollfd p[] = { { .fd = ways[0].from, .events = POLLIN },
				      { .fd = ways[1].from, .events = POLLIN } };
		int r = poll(p, 2, -1) < 0 && errno != EINTR ? -errno : 0;

		for (int i = 0; i < 2 && r == 0; i++)
			if (p[i].revents)
				r = pass(&ways[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

int main(int argc, char **argv)
{
	OWNED(drop_fd) int fd = -1;
	int r;

	if (argc != 3)
		return log_usage("microvm-forward ADDRESS PORT");
	(void)signal(SIGPIPE, SIG_IGN);
	fd = connect_to(argv[1], argv[2]);
	if (fd == -EINVAL)
		return log_usage("microvm-forward ADDRESS PORT");
	/* Nobody is there to read a message but the guest: the connection ends. */
	if (fd < 0)
		return EXIT_REFUSED;
	r = pass_both((struct way[]){ { STDIN_FILENO, fd }, { fd, STDOUT_FILENO } });
	return r < 0 ? EXIT_REFUSED : EXIT_DONE;
}
