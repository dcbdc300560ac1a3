/* SPDX-License-Identifier: MIT */
/* microvm-forward between a guest and a port that both say much at the same time. */
#include "common/owned.h"
#include "result.h"

#include <arpa/inet.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { MUCH = 16 << 20 };

static char program[4096];

static void find_program(void)
{
	char self[2048] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0)
		(void)snprintf(program, sizeof(program), "%s/../../helpers/microvm-forward",
			       dirname(self));
}

static int listen_somewhere(char port[6])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) < 0 || listen(fd, 1) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &n) < 0)
		return -1;
	(void)snprintf(port, 6, "%u", ntohs(at.sin_port));
	return fd;
}

static pid_t start(const char *address, const char *port, int connection)
{
	pid_t pid = fork();

	if (pid > 0)
		return pid;
	(void)dup2(connection, STDIN_FILENO);
	(void)dup2(connection, STDOUT_FILENO);
	(void)execl(program, program, address, port, NULL);
	_exit(127);
}

static int end(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Sends back what comes, reads nothing more until that is sent, and says one word more. */
static void echo(int listening)
{
	int fd = accept(listening, NULL, NULL);
	char bytes[65536];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		for (ssize_t at = 0; at < n;)
			at += write(fd, bytes + at, (size_t)(n - at));
	_exit(write(fd, "bye", 3) != 3);
}

/* Writes and reads at once; returns how much came, and its end. */
static size_t talk(int fd, char last[3])
{
	static char bytes[65536];
	size_t sent = 0, got = 0;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN | (sent < MUCH ? POLLOUT : 0) };
		ssize_t n;

		if (poll(&p, 1, 20000) <= 0)
			return 0;
		if (p.revents & POLLOUT) {
			n = send(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
			sent += n > 0 ? (size_t)n : 0;
			if (sent >= MUCH)
				(void)shutdown(fd, SHUT_WR);
		}
		n = p.revents & (POLLIN | POLLHUP) ? recv(fd, bytes, sizeof(bytes), 0) : 1;
		if (n <= 0)
			return got >= sent ? got - sent : SIZE_MAX;
		if (!(p.revents & (POLLIN | POLLHUP)))
			continue;
		got += (size_t)n;
		if (n >= 3)
			memcpy(last, bytes + n - 3, 3);
		memset(bytes, 0, (size_t)n);
	}
}

static void test_much(void)
{
	char port[6] = "", last[4] = "";
	int listening = listen_somewhere(port), ends[2];
	pid_t server, forward;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return;
	server = fork();
	if (server == 0)
		echo(listening);
	forward = start("127.0.0.1", port, ends[1]);
	(void)close(ends[1]);
	ok(talk(ends[0], last) == 3, "all comes back, and what is said after the end");
	equal("bye", last, "in order");
	ok(end(forward) == 0 && end(server) == 0, "both end");
}

int main(void)
{
	char port[6] = "";
	int nobody = listen_somewhere(port);

	find_program();
	(void)signal(SIGPIPE, SIG_IGN);
	test_much();
	(void)close(nobody);
	ok(end(start("127.0.0.1", port, STDIN_FILENO)) == 1, "a port that nobody has is refused");
	ok(end(start("localhost", "80", STDIN_FILENO)) == 2, "a name is not an address");
	ok(end(start("127.0.0.1", "0", STDIN_FILENO)) == 2, "0 is not a port");
	return finish();
}
