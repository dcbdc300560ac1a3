/* SPDX-License-Identifier: MIT */
#include "hold.h"

#include "../common/log.h"
#include "../common/owned.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

int hold(struct holds *h, const char *path, int flags, int operation)
{
	OWNED(drop_fd) int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);

	if (fd < 0)
		return -errno;
	if (flock(fd, operation | LOCK_NB) < 0)
		return -errno;
	h->fds = must(reallocarray(h->fds, h->count + 1, sizeof(*h->fds)));
	h->fds[h->count++] = fd;
	fd = -1;
	return 0;
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
