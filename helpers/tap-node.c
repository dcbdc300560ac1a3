/* SPDX-License-Identifier: MIT */
#include "tap-node.h"

#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

enum { POLL_USEC = 20000 };

char *tap_node_path(int index)
{
	return text_format("/dev/tap%d", index);
}

static int read_device(const char *interface, int index, dev_t *ret)
{
	OWNED(drop_str)
	char *path = text_format("/sys/class/net/%s/macvtap/tap%d/dev", interface, index);
	OWNED(drop_file) FILE *f = fopen(path, "re");
	unsigned major, minor;

	if (!f)
		return -errno;
	if (fscanf(f, "%u:%u", &major, &minor) != 2)
		return -EIO;
	*ret = makedev(major, minor);
	return 0;
}

/* Only if it is the interface's: another network namespace can have a node of the same name. */
static int give(const char *path, dev_t device, uid_t user, gid_t group)
{
	OWNED(drop_fd) int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISCHR(st.st_mode) || st.st_rdev != device)
		return -ENOENT;
	return fchownat(fd, "", user, group, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

int tap_node_give(const char *interface, int index, uint64_t usec, uid_t user, gid_t group)
{
	const struct timespec pause = { .tv_nsec = POLL_USEC * 1000 };
	OWNED(drop_str) char *path = tap_node_path(index);
	dev_t device = 0;
	int r = read_device(interface, index, &device);

	if (r < 0)
		return r;
	for (;; usec -= POLL_USEC) {
		r = give(path, device, user, group);
		if (r != -ENOENT)
			return r;
		if (usec < POLL_USEC)
			return -ETIMEDOUT;
		(void)nanosleep(&pause, NULL);
	}
}

int tap_node_open(const char *path, int several)
{
	OWNED(drop_fd) int fd = open(path, O_RDWR | O_CLOEXEC);
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

	if (fd < 0)
		return -errno;
	if (several)
		request.ifr_flags |= IFF_MULTI_QUEUE;
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return -errno;
	return MOVE_FD(fd);
}
