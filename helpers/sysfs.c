/* SPDX-License-Identifier: MIT */
#include "sysfs.h"

#include "../common/link.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

int sysfs_read(const char *path, char **ret)
{
	OWNED(drop_file) FILE *f = fopen(path, "re");
	char line[256] = "";

	if (!f)
		return -errno;
	if (!fgets(line, sizeof(line), f) && ferror(f))
		return -EIO;
	line[strcspn(line, "\n")] = '\0';
	*ret = text_copy(line);
	return 0;
}

int sysfs_link(const char *path, char **ret)
{
	char *end = link_end(path);

	if (!end)
		return -errno;
	*ret = end;
	return 0;
}

static int write_now(const char *path, const char *text)
{
	OWNED(drop_fd) int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	return write(fd, text, strlen(text)) < 0 ? errno : 0;
}

/* Of a child that hangs nothing is reaped: init does it, whenever it ends. */
static int wait_for(pid_t child, uint64_t usec)
{
	OWNED(drop_fd) int fd = (int)syscall(SYS_pidfd_open, child, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int status, r;

	if (fd < 0)
		return -errno;
	do
		r = poll(&p, 1, (int)(usec / 1000));
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return -ETIMEDOUT;
	if (r < 0 || waitpid(child, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

int sysfs_write(const char *path, const char *text, uint64_t usec)
{
	pid_t child = fork();

	if (child < 0)
		return -errno;
	if (child == 0)
		_exit(write_now(path, text));
	return wait_for(child, usec);
}
