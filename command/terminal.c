/* SPDX-License-Identifier: MIT */
#include "terminal.h"

#include "waiting.h"
#include "../common/owned.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <termios.h>

enum {
	LEAVE_KEY = 0x1d, /* Ctrl-] */
	CHUNK = 4096,
};

struct join {
	int socket, signals;
	bool is_terminal;
	struct termios before;
	const struct terminal_watch *watch;
	terminal_leave leave;
	void *arg;
	bool silent;	  /* nothing more is typed */
	char keys[CHUNK]; /* that the other side has not taken yet */
	size_t key_count;
};

/* Signals are read, so that none ends us in raw mode; only one that nobody can catch would. */
static int signals_take(sigset_t *before)
{
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGQUIT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGPIPE);
	(void)sigaddset(&set, SIGTSTP);
	if (sigprocmask(SIG_BLOCK, &set, before) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int terminal_make_raw(struct join *j)
{
	struct termios raw;

	j->is_terminal = tcgetattr(STDIN_FILENO, &j->before) == 0;
	if (!j->is_terminal)
		return 0;
	raw = j->before;
	cfmakeraw(&raw);
	return tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0 ? -errno : 0;
}

static void terminal_restore(const struct join *j)
{
	/* Not what the guest has not answered yet: a shell would take it for commands. */
	if (j->is_terminal)
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &j->before);
}

static int write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, bytes, n);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			bytes += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

static void keys_send(struct join *j)
{
	ssize_t n = send(j->socket, j->keys, j->key_count, MSG_NOSIGNAL | MSG_DONTWAIT);

	/* Where nobody is left, the end is read in a moment. */
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		n = (ssize_t)j->key_count;
	if (n <= 0)
		return;
	j->key_count -= (size_t)n;
	memmove(j->keys, j->keys + n, j->key_count);
}

/* Each returns whether to leave. */

/* A guest that does not read must not keep anybody from leaving: what is typed meanwhile is lost.
 */
static bool keys_pass(struct join *j)
{
	char keys[CHUNK];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));
	const char *key = n > 0 && j->is_terminal ? memchr(keys, LEAVE_KEY, (size_t)n) : NULL;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	j->silent = n <= 0;
	if (n > 0 && j->key_count == 0) {
		j->key_count = (size_t)(key ? key - keys : n);
		memcpy(j->keys, keys, j->key_count);
		keys_send(j);
	}
	/* Without a terminal the end of input is not the end of output. */
	return (key || (n <= 0 && j->is_terminal)) && j->leave(j->arg);
}

static bool signal_pass(struct join *j)
{
	struct signalfd_siginfo info;

	if (read(j->signals, &info, sizeof(info)) != sizeof(info) || info.ssi_signo == SIGPIPE ||
	    info.ssi_signo == SIGTSTP)
		return false;
	return j->leave(j->arg);
}

/* Returns false when there is nothing more to come, or nobody to show it to. */
static bool screen_pass(const struct join *j)
{
	char bytes[CHUNK];
	ssize_t n = recv(j->socket, bytes, sizeof(bytes), 0);

	if (n < 0 && errno == EINTR)
		return true;
	waiting_end();
	return n > 0 && write_all(STDOUT_FILENO, bytes, (size_t)n) == 0;
}

static int join_run(struct join *j)
{
	int patience = j->watch ? 0 : -1, n;

	for (;;) {
		bool full = j->key_count > 0, deaf = j->silent || (full && !j->is_terminal);
		struct pollfd p[] = { { .fd = j->socket,
					.events = (short)(POLLIN | (full ? POLLOUT : 0)) },
				      { .fd = j->signals, .events = POLLIN },
				      { .fd = deaf ? -1 : STDIN_FILENO, .events = POLLIN },
				      { .fd = j->watch ? j->watch->fd : -1, .events = POLLIN } };

		n = poll(p, 4, patience);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (p[0].revents & ~POLLOUT && !screen_pass(j))
			return 0;
		if (p[0].revents & POLLOUT)
			keys_send(j);
		if ((p[1].revents && signal_pass(j)) || (p[2].revents && keys_pass(j)) ||
		    ((n == 0 || p[3].revents) && j->watch->look(j->arg, &patience)))
			return 1;
	}
}

void terminal_tell(const char *text)
{
	bool raw = isatty(STDERR_FILENO);

	waiting_end();
	(void)dprintf(STDERR_FILENO, raw ? "\r\n[%s]\r\n" : "[%s]\n", text);
}

int terminal_join(int socket, const char *greeting, const struct terminal_watch *watch,
		  terminal_leave leave, void *arg)
{
	struct join j = { .socket = socket, .watch = watch, .leave = leave, .arg = arg };
	OWNED(drop_fd) int signals = -1;
	sigset_t before;
	int r;

	j.signals = signals = signals_take(&before);
	if (signals < 0)
		return signals;
	r = terminal_make_raw(&j);
	if (r == 0 && greeting && j.is_terminal)
		terminal_tell(greeting);
	if (r == 0)
		r = join_run(&j);
	waiting_end();
	terminal_restore(&j);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}
