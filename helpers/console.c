/* SPDX-License-Identifier: MIT */
#include "console.h"

#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

enum { LOOK_EVERY = 5, LOOK_FOR = 2000 }; /* milliseconds */

static bool is_awaited(const char *name)
{
	OWNED(drop_str) char *socket = text_format("/run/microvm-console/%s/" CONSOLE_SOCKET, name);

	return access(socket, F_OK) == 0;
}

static int open_fifo(const char *path, int flags)
{
	int fd = open(path, flags | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

/* The kernel opens a FIFO for writing where somebody reads; from then on nobody has to. */
static int open_alone(const char *path)
{
	OWNED(drop_fd) int reader = open_fifo(path, O_RDONLY);

	return reader < 0 ? reader : open_fifo(path, O_WRONLY);
}

/* Who was there before the start is to see the first byte. */
static int open_copy(const char *path, const char *name)
{
	int fd = open_fifo(path, O_WRONLY);

	for (int left = LOOK_FOR; fd == -ENXIO && left > 0 && is_awaited(name); left -= LOOK_EVERY) {
		(void)usleep(LOOK_EVERY * 1000);
		fd = open_fifo(path, O_WRONLY);
	}
	return fd == -ENXIO ? open_alone(path) : fd;
}

int console_open(const char *dir, const char *name, struct console *ret)
{
	OWNED(drop_str) char *copy = text_format("%s/" CONSOLE_COPY, dir);
	OWNED(drop_str) char *typed = text_format("%s/" CONSOLE_TYPED, dir);

	if ((mkfifo(copy, 0600) < 0 && errno != EEXIST) || (mkfifo(typed, 0600) < 0 && errno != EEXIST))
		return -errno;
	/* For reading alone it would be at its end whenever nobody types. */
	ret->typed = open_fifo(typed, O_RDWR);
	if (ret->typed < 0)
		return ret->typed;
	ret->copy = open_copy(copy, name);
	return ret->copy < 0 ? ret->copy : 0;
}

int console_keep(const struct console *c)
{
	if (c->copy < 0)
		return 0;
	/* Waits for who reads slowly, instead of asking again and again. */
	if (fcntl(c->copy, F_SETFL, 0) < 0 || fcntl(c->copy, F_SETFD, 0) < 0 ||
	    dup2(c->typed, STDIN_FILENO) < 0)
		return -errno;
	return 0;
}

void drop_console(struct console *c)
{
	drop_fd(&c->copy);
	drop_fd(&c->typed);
}
