/* SPDX-License-Identifier: MIT */
/* microvm-terminal: has the other end of the terminal that is a hypervisor's console (terminal.c). What the guest
 * shows goes to its standard output and, for those who attach, to a FIFO; what comes to its standard input is typed. It
 * sleeps otherwise, ends when nobody has the terminal any more, and needs nothing but libc. */
#include "../common/log.h"
#include "../common/owned.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

enum {
	CHUNK = 4096,
	/* As fast as a serial line of 9600 baud: kvmtool has a place for 64 bytes, and gives to another serial line
	   of the guest's what comes before the first has read them. */
	KEYS = 16,
	KEYS_TAKE = 16000, /* microseconds */
};

struct relay {
	int terminal, copy;
	char keys[KEYS]; /* typed, and not taken by the terminal yet */
	size_t key_count;
};

/* Who is not there to read misses it. */
static void write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t written = write(fd, bytes, n);

		if (written < 0 && errno != EINTR)
			return;
		if (written > 0) {
			bytes += written;
			n -= (size_t)written;
		}
	}
}

/* Returns false when nobody writes there any more, and all of it is read. */
static bool relay_show(const struct relay *r)
{
	char bytes[CHUNK];
	ssize_t n = read(r->terminal, bytes, sizeof(bytes));

	if (n > 0) {
		write_all(STDOUT_FILENO, bytes, (size_t)n);
		write_all(r->copy, bytes, (size_t)n);
	}
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void relay_hear(struct relay *r)
{
	ssize_t n = read(STDIN_FILENO, r->keys, sizeof(r->keys));

	if (n > 0)
		r->key_count = (size_t)n;
}

static void relay_type(struct relay *r)
{
	ssize_t n = write(r->terminal, r->keys, r->key_count);

	if (n <= 0)
		return;
	r->key_count -= (size_t)n;
	memmove(r->keys, r->keys + n, r->key_count);
	(void)usleep(KEYS_TAKE);
}

static bool relay_turn(struct relay *r)
{
	bool typing = r->key_count > 0;
	struct pollfd p[] = { { .fd = r->terminal, .events = (short)(POLLIN | (typing ? POLLOUT : 0)) },
			      { .fd = typing ? -1 : STDIN_FILENO, .events = POLLIN } };

	if (poll(p, 2, -1) < 0)
		return errno == EINTR;
	if (p[1].revents)
		relay_hear(r);
	if (p[0].revents & POLLOUT)
		relay_type(r);
	return p[0].revents & ~POLLOUT ? relay_show(r) : true;
}

/* It ends with the hypervisor, behind its last words, whatever the rest of the unit is told. */
static void ignore_signals(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		(void)signal(signals[i], SIG_IGN);
}

int main(int argc, char **argv)
{
	struct relay r = { .terminal = -1 };

	if (argc != 3 || *argv[1] == '-')
		return log_usage("microvm-terminal TERMINAL COPY (descriptors that are open)");
	r.terminal = (int)strtol(argv[1], NULL, 10);
	r.copy = (int)strtol(argv[2], NULL, 10);
	ignore_signals();
	while (relay_turn(&r))
		;
	return EXIT_DONE;
}
