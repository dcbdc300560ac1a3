/* SPDX-License-Identifier: MIT */
#include "hold.h"

#include "../common/block.h"
#include "../common/log.h"
#include "../common/owned.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>

static void add(struct holds *h, int *fd)
{
	h->fds = must(reallocarray(h->fds, h->count + 1, sizeof(*h->fds)));
	h->fds[h->count++] = MOVE_FD(*fd);
}

int hold(struct holds *h, const char *path, int flags, int operation)
{
	OWNED(drop_fd) int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);

	if (fd < 0)
		return -errno;
	if (flock(fd, operation | LOCK_NB) < 0)
		return -errno;
	add(h, &fd);
	return 0;
}

/* Waits for those who only look: udev holds a shared lock while it probes what was closed just
 * before. */
static int lock_device(int fd, int operation)
{
	const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };

	for (int tries = 0; tries < 60; tries++) {
		if (flock(fd, operation | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK)
			break;
		(void)nanosleep(&pause, NULL);
	}
	return -errno;
}

/* Who writes claims the device from the kernel, and only asks by a lock whether anybody reads: udev
 * would not look at a device any more that is locked exclusively, however long that is. */
static int open_to_write(const char *path, int *ret)
{
	OWNED(drop_fd) int fd = block_claim(path, O_RDWR);
	int r;

	if (fd < 0)
		return fd;
	r = lock_device(fd, LOCK_EX);
	if (r == 0)
		r = flock(fd, LOCK_UN) < 0 ? -errno : 0;
	if (r == 0)
		*ret = MOVE_FD(fd);
	return r;
}

/* Who reads holds the lock first, so that of a reader and a writer who come together one at least
 * sees the other. */
static int open_to_read(const char *path, int *ret)
{
	OWNED(drop_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	OWNED(drop_fd) int claim = -1;
	int r;

	if (fd < 0)
		return -errno;
	r = lock_device(fd, LOCK_SH);
	if (r < 0)
		return r;
	claim = block_claim(path, O_RDONLY);
	if (claim < 0)
		return claim;
	*ret = MOVE_FD(fd);
	return 0;
}

int hold_device(struct holds *h, const char *path, bool write)
{
	OWNED(drop_fd) int fd = -1;
	int r = write ? open_to_write(path, &fd) : open_to_read(path, &fd);

	if (r == 0)
		add(h, &fd);
	return r == -EBUSY ? -EWOULDBLOCK : r;
}

int holds_keep(const struct holds *h)
{
	for (size_t i = 0; i < h->count; i++)
		if (fcntl(h->fds[i], F_SETFD, 0) < 0)
			return -errno;
	return 0;
}

void drop_holds(struct holds *h)
{
	for (size_t i = 0; i < h->count; i++)
		drop_fd(&h->fds[i]);
	free(h->fds);
	*h = (struct holds){ 0 };
}
