/* SPDX-License-Identifier: MIT */
/* An image that is a block device: judged, and never made, formatted or grown. */
#include "image.h"

#include "../common/block.h"
#include "../common/log.h"
#include "../common/owned.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

bool image_is_device(const struct image *image)
{
	return image->found.file >= 0 && S_ISBLK(image->found.stat.st_mode);
}

static int refuse_busy(const struct image *image)
{
	OWNED(drop_str) char *use = block_use("", image->found.stat.st_rdev);

	return image_fail(image, "%s; a MicroVM must have it for itself",
			  use ? use : "is in use by another MicroVM or program");
}

static int check_device(const struct image *image, int fd)
{
	const struct volume *v = image->volume;
	uint64_t size = 0;
	int read_only = 0;

	if (ioctl(fd, BLKGETSIZE64, &size) < 0 || ioctl(fd, BLKROGET, &read_only) < 0)
		return image_fail(image, "cannot be looked at: %s", strerror(errno));
	if (section_sets(&v->section, "size") && size < v->size)
		return image_fail(image,
				  "has %" PRIu64 " bytes, less than the size of %" PRIu64
				  "; a block device is never grown",
				  size, v->size);
	if (read_only && !v->read_only)
		return image_fail(image, "can only be read; set readOnly = yes");
	return EXIT_DONE;
}

int image_open_device(const struct image *image, int *ret)
{
	char name[PATH_OF_FD];
	OWNED(drop_fd) int fd = -1;
	int r;

	path_of_fd(image->found.file, name);
	fd = block_claim(name, O_RDONLY);
	if (fd == -EBUSY)
		return refuse_busy(image);
	if (fd < 0)
		return image_fail(image, "cannot be opened: %s", strerror(-fd));
	r = check_device(image, fd);
	if (r == EXIT_DONE)
		*ret = MOVE_FD(fd);
	return r;
}
