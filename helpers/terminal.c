/* SPDX-License-Identifier: MIT */
#include "terminal.h"

#include "../common/owned.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

/* Which one it is a number tells, and not a path that would have to be seen from here. */
static int open_other_end(int master)
{
	int fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int terminal_take(void)
{
	OWNED(drop_fd) int master = posix_openpt(O_RDWR | O_NOCTTY);
	OWNED(drop_fd) int other = -1;

	if (master < 0 || unlockpt(master) < 0)
		return -errno;
	other = open_other_end(master);
	if (other < 0)
		return other;
	if (dup2(other, STDIN_FILENO) < 0)
		return -errno;
	(void)MOVE_FD(master);
	return 0;
}
