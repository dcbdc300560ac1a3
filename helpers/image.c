/* SPDX-License-Identifier: MIT */
#include "image.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "probe.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

static bool names_device(const char *image)
{
	static const char *const tags[] = { "LABEL=", "UUID=", "PARTLABEL=", "PARTUUID=", "/dev/" };

	for (size_t i = 0; image && i < sizeof(tags) / sizeof(*tags); i++)
		if (strncmp(image, tags[i], strlen(tags[i])) == 0)
			return true;
	return false;
}

static int not_found(const struct image *image, int error)
{
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
	int r = path_find(image->path, &image->found);

	if (r < 0)
		return not_found(image, r);
	if (image->found.file < 0 || S_ISREG(image->found.stat.st_mode))
		return EXIT_DONE;
	if (S_ISBLK(image->found.stat.st_mode))
		return image_fail(
			image, "block devices are not supported yet by this version; name a file");
	return image_fail(image, "is not a regular file, as an image has to be");
}

int image_find(const struct microvm *vm, const struct volume *v, struct image *ret)
{
	*ret = NO_IMAGE;
	ret->volume = v;
	ret->path = volume_path(vm, v);
	if (!names_device(v->image))
		return find(ret);
	image_fail(ret, "block devices are not supported yet by this version; name a file");
	return EXIT_NOT_CONFIGURED;
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

static int refuse_content(const struct image *image, int content, const char *type)
{
	const char *wanted = fs_type_names[image->volume->fs_type];

	switch (content) {
	case CONTENT_EMPTY:
		return image_fail(image,
				  "exists and is empty, and only an image that is made new is "
				  "formatted; remove it, or set fsType = none");
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

int image_grow(const struct image *image)
{
	const struct volume *v = image->volume;
	uint64_t is = (uint64_t)image->found.stat.st_size;
	OWNED(drop_fd) int fd = -1;

	/* Another format's file is shorter than what it holds; qemu-img(1) resizes those. */
	if (v->image_type != IMAGE_RAW || !section_sets(&v->section, "size") || v->size == is)
		return EXIT_DONE;
	if (v->size < is) {
		image_say(image, LEVEL_NOTICE,
			  "has %" PRIu64 " bytes, more than the size of %" PRIu64
			  "; images are not made shorter, it stays as it is",
			  is, v->size);
		return EXIT_DONE;
	}
	fd = path_reopen(image->found.file, O_WRONLY);
	if (fd < 0 || ftruncate(fd, (off_t)v->size) < 0)
		return image_fail(image, "cannot be grown to %" PRIu64 " bytes: %s", v->size,
				  strerror(fd < 0 ? -fd : errno));
	image_say(image, LEVEL_INFO,
		  "grown from %" PRIu64 " to %" PRIu64 " bytes; what is in it keeps "
		  "its size until the guest grows it",
		  is, v->size);
	return EXIT_DONE;
}

void drop_image(struct image *image)
{
	drop_image_draft(image);
	free(image->path);
	drop_found(&image->found);
	*image = NO_IMAGE;
}
