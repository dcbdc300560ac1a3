/* SPDX-License-Identifier: MIT */
/* How long an image is, and how it is made longer. */
#include "image.h"

#include "../common/log.h"
#include "../common/owned.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* The eight bytes at AT, of a file that has MAGIC at MAGIC_AT; 0 where it has not. */
static uint64_t number_in(int fd, off_t magic_at, const char *magic, off_t at)
{
	char found[8] = "";
	uint64_t number;

	if (pread(fd, found, strlen(magic), magic_at) != (ssize_t)strlen(magic) ||
	    memcmp(found, magic, strlen(magic)) != 0 ||
	    pread(fd, &number, sizeof(number), at) != (ssize_t)sizeof(number))
		return 0;
	return be64toh(number);
}

/* What the guest sees of an image that is not raw; 0 where that is not known. */
static uint64_t disk_size(const struct image *image, int fd)
{
	off_t footer = image->found.stat.st_size - 512;

	switch (image->volume->image_type) {
	case IMAGE_QCOW2:
		return number_in(fd, 0, "QFI\xfb", 24);
	case IMAGE_VHD:
		return footer >= 0 ? number_in(fd, footer, "conectix", footer + 48) : 0;
	default:
		return 0;
	}
}

static int tell_longer(const struct image *image, uint64_t is)
{
	if (is > image->volume->size)
		image_say(image, LEVEL_NOTICE,
			  "has %" PRIu64 " bytes, more than the size of %" PRIu64
			  "; images are not made shorter, it stays as it is",
			  is, image->volume->size);
	return EXIT_DONE;
}

/* Not by qemu-img(1) here: the hypervisor's user could have written names of root's files into the
 * image, and qemu-img would open them. */
static int tell_other(const struct image *image, int fd)
{
	uint64_t is = disk_size(image, fd), size = image->volume->size;

	if (is == 0 || is >= size)
		return is == 0 ? EXIT_DONE : tell_longer(image, is);
	image_say(image, LEVEL_WARNING,
		  "holds a disk of %" PRIu64 " bytes, less than the size of %" PRIu64
		  ", and only a raw image is grown at the start; stop the MicroVM and use qemu-img "
		  "resize",
		  is, size);
	return EXIT_DONE;
}

static int grow_raw(const struct image *image, uint64_t is)
{
	uint64_t size = image->volume->size;
	OWNED(drop_fd) int fd = path_reopen(image->found.file, O_WRONLY);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return image_fail(image, "cannot be grown to %" PRIu64 " bytes: %s", size,
				  strerror(fd < 0 ? -fd : errno));
	image_say(image, LEVEL_INFO,
		  "grown from %" PRIu64 " to %" PRIu64 " bytes; what is in it keeps "
		  "its size until the guest grows it",
		  is, size);
	return EXIT_DONE;
}

int image_grow(const struct image *image, int fd)
{
	const struct volume *v = image->volume;
	uint64_t is = (uint64_t)image->found.stat.st_size;

	if (!section_sets(&v->section, "size") || image_is_device(image))
		return EXIT_DONE;
	if (v->image_type != IMAGE_RAW)
		return tell_other(image, fd);
	return is < v->size ? grow_raw(image, is) : tell_longer(image, is);
}
