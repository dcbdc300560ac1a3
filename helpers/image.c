/* SPDX-License-Identifier: MIT */
#include "image.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "probe.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

/* As libblkid names them too. */
const char *const fs_type_names[] = { "ext2", "ext3", "ext4", "xfs", "btrfs", "vfat", "none" };
static_assert(sizeof(fs_type_names) / sizeof(*fs_type_names) == FS_TYPES, "a name each");

__attribute__((format(printf, 3, 0))) static void image_log(const struct image *image, int level,
							    const char *format, va_list args)
{
	char *text = NULL;

	must(vasprintf(&text, format, args) < 0 ? NULL : text);
	log_line((enum log_level)level, "volume %s: %s: %s", image->volume->section.id, image->path,
		 text);
	free(text);
}

void image_say(const struct image *image, int level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	image_log(image, level, format, args);
	va_end(args);
}

int image_fail(const struct image *image, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	image_log(image, LEVEL_ERROR, format, args);
	va_end(args);
	return EXIT_REFUSED;
}

static int not_found(const struct image *image, int error)
{
	if (error == -ENOENT && volume_is_device(image->volume))
		return image_fail(image, "no device of the host has that name");
	if (error == -ENOENT)
		return image_fail(image,
				  "the folder that it lies in does not exist; make it first");
	if (error == -ELOOP)
		return image_fail(image,
				  "on the way is a link or folder that another user than root "
				  "may have put there; name the place itself");
	return image_fail(image, "cannot be opened: %s", strerror(-error));
}

static int find(struct image *image)
{
	bool device = volume_is_device(image->volume);
	int r = path_find(image->path, &image->found);

	/* In /dev nothing is made. */
	if (r == 0 && device && image->found.file < 0)
		r = -ENOENT;
	if (r < 0)
		return not_found(image, r);
	if (image->found.file < 0 ||
	    (device ? S_ISBLK(image->found.stat.st_mode) : S_ISREG(image->found.stat.st_mode)))
		return EXIT_DONE;
	if (S_ISBLK(image->found.stat.st_mode))
		return image_fail(image,
				  "is a block device; write its path below /dev, which is what it "
				  "can be opened by");
	return image_fail(image, device ? "is not a block device"
					: "is not a regular file, as an image has to be");
}

int image_find(const struct microvm *vm, const struct volume *v, struct image *ret)
{
	*ret = NO_IMAGE;
	ret->volume = v;
	ret->path = volume_path(vm, v);
	return find(ret);
}

static void drop_image_draft(struct image *image)
{
	if (image->draft >= 0)
		(void)unlinkat(image->found.folder, image->draft_name, 0);
	drop_fd(&image->draft);
	image->draft = -1;
	drop_str(&image->draft_name);
	image->draft_name = NULL;
}

int image_find_again(struct image *image)
{
	drop_image_draft(image);
	drop_found(&image->found);
	return find(image);
}

int image_open(const struct image *image, int *ret)
{
	int fd;

	if (image_is_device(image))
		return image_open_device(image, ret);
	fd = path_reopen(image->found.file, O_RDONLY);
	if (fd < 0)
		return image_fail(image, "cannot be opened: %s", strerror(-fd));
	*ret = fd;
	return EXIT_DONE;
}

static int refuse_content(const struct image *image, int content, const char *type)
{
	const char *wanted = fs_type_names[image->volume->fs_type];

	switch (content) {
	case CONTENT_EMPTY:
		return image_fail(image,
				  "exists and is empty, and only an image that is made new is "
				  "formatted; remove it, or set fsType = none");
	case CONTENT_UNKNOWN:
		return image_fail(image,
				  "holds no file system that is known, and a block device is never "
				  "formatted at the start; run mkfs.%s, or set fsType = none",
				  wanted);
	case CONTENT_DATA:
		return image_fail(image,
				  "holds data that is not a file system; fsType = %s would need "
				  "one. Move it away, or set fsType = none",
				  wanted);
	case CONTENT_TABLE:
		return image_fail(image,
				  "holds a partition table (%s), not %s; move it away, or set "
				  "fsType = none",
				  type, wanted);
	case CONTENT_KNOWN:
		return image_fail(image,
				  "holds %s, not %s; set fsType to what it is (none if that has "
				  "no name there), or move it away",
				  type, wanted);
	default:
		return image_fail(image,
				  "holds the signatures of several things at once, not only %s; "
				  "wipefs(8) shows them",
				  wanted);
	}
}

int image_check(const struct image *image, int fd)
{
	OWNED(drop_str) char *type = NULL;
	int content;

	if (volume_fs_type(image->volume) == FS_NONE)
		return EXIT_DONE;
	content = probe_content(fd, &type);
	if (content < 0)
		return image_fail(image, "cannot be read: %s", strerror(-content));
	if (content == CONTENT_KNOWN && strcmp(type, fs_type_names[image->volume->fs_type]) == 0)
		return EXIT_DONE;
	return refuse_content(image, content, type);
}

void drop_image(struct image *image)
{
	drop_image_draft(image);
	free(image->path);
	drop_found(&image->found);
	*image = NO_IMAGE;
}
