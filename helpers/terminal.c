/* SPDX-License-Identifier: MIT */
#include "terminal.h"

#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

extern char **environ;

/* Which one it is a number tells, and not a path that would have to be seen from here. */
static int open_other_end(int master)
{
	int fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The bytes of a serial line, either way. */
static int make_raw(int fd)
{
	struct termios mode;

	if (tcgetattr(fd, &mode) < 0)
		return -errno;
	cfmakeraw(&mode);
	return tcsetattr(fd, TCSANOW, &mode) < 0 ? -errno : 0;
}

/* It lies where this program does. */
static int start_relay(int master, int copy)
{
	static char name[] = "microvm-terminal";
	char self[PATH_MAX] = { 0 };
	OWNED(drop_str) char *program = NULL;
	OWNED(drop_str) char *terminal = text_format("%d", master);
	OWNED(drop_str) char *shown = text_format("%d", copy);
	char *argv[] = { name, terminal, shown, NULL };
	pid_t pid;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return -errno;
	*strrchr(self, '/') = '\0';
	program = text_format("%s/%s", self, name);
	return -posix_spawn(&pid, program, NULL, NULL, argv, environ);
}

int terminal_take(const struct console *c)
{
	OWNED(drop_fd) int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	OWNED(drop_fd) int in = -1;
	OWNED(drop_fd) int out = -1;
	int r;

	if (master < 0 || unlockpt(master) < 0)
		return -errno;
	/* Each its own, so that who wants to read without waiting does not lose what he writes. */
	in = open_other_end(master);
	out = open_other_end(master);
	if (in < 0 || out < 0)
		return in < 0 ? in : out;
	r = make_raw(in);
	if (r == 0)
		r = console_keep(c);
	if (r == 0)
		r = start_relay(master, c->copy);
	if (r < 0)
		return r;
	/* The console ends with the relay. */
	if (fcntl(c->copy, F_SETFD, FD_CLOEXEC) < 0 || dup2(in, STDIN_FILENO) < 0 ||
	    dup2(out, STDOUT_FILENO) < 0)
		return -errno;
	return 0;
}
