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
#include <sys/socket.h>

/* Neither way waits for the other: two ends that both write first would never read. */
struct way {
	int from; /* -1 when it has ended */
	int to;
	size_t begin, end; /* of what was read and is not written yet */
	char bytes[65536];
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

static bool is_empty(const struct way *w)
{
	return w->begin == w->end;
}

/* Not now is no error. */
static int result(ssize_t n)
{
	return n >= 0 || errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static int take(struct way *w)
{
	ssize_t n = recv(w->from, w->bytes, sizeof(w->bytes), MSG_DONTWAIT);

	w->begin = 0;
	w->end = n > 0 ? (size_t)n : 0;
	/* The end of one side is told to the other, which may still have to say something. */
	if (n == 0) {
		(void)shutdown(w->to, SHUT_WR);
		w->from = -1;
	}
	return result(n);
}

static int give(struct way *w)
{
	ssize_t n =
		send(w->to, w->bytes + w->begin, w->end - w->begin, MSG_DONTWAIT | MSG_NOSIGNAL);

	w->begin += n > 0 ? (size_t)n : 0;
	return result(n);
}

static void expect(const struct way *w, struct pollfd *ret)
{
	if (is_empty(w))
		*ret = (struct pollfd){ .fd = w->from, .events = POLLIN };
	else
		*ret = (struct pollfd){ .fd = w->to, .events = POLLOUT };
}

static int pass_all(struct way *ways)
{
	struct pollfd p[2];
	int r = 0;

	while (r == 0 && (ways[0].from >= 0 || ways[1].from >= 0)) {
		for (int i = 0; i < 2; i++)
			expect(&ways[i], &p[i]);
		if (poll(p, 2, -1) < 0)
			r = result(-1);
		for (int i = 0; i < 2 && r == 0; i++)
			if (p[i].revents)
				r = is_empty(&ways[i]) ? take(&ways[i]) : give(&ways[i]);
	}
	return r;
}

int main(int argc, char **argv)
{
	static struct way ways[2];
	OWNED(drop_fd) int fd = argc == 3 ? connect_to(argv[1], argv[2]) : -EINVAL;

	if (fd == -EINVAL)
		return log_usage("microvm-forward ADDRESS PORT");
	/* Nobody reads a message but the guest, for whom the connection ends. */
	if (fd < 0)
		return EXIT_REFUSED;
	ways[0].from = STDIN_FILENO;
	ways[0].to = fd;
	ways[1].from = fd;
	ways[1].to = STDOUT_FILENO;
	return pass_all(ways) < 0 ? EXIT_REFUSED : EXIT_DONE;
}
