/* SPDX-License-Identifier: MIT */
/* An image is made under a temporary name in its own folder, and gets its name when it is whole. */
#include "image.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "probe.h"
#include "progress.h"
#include "run-program.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Whether the open file still has that name. */
static bool still_named(int folder, const char *name, int file)
{
	struct stat opened, named;

	return fstat(file, &opened) == 0 &&
	       fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/* Waits for one who is at work on a draft and holds its lock, or removes one that has no lock: the
 * start that made it was cut off. */
static int clear_draft(int folder, const char *name, uid_t uid)
{
	OWNED(drop_fd)
	int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (file < 0)
		return errno == ENOENT ? 0 : -errno;
	if (flock(file, LOCK_EX) < 0 || fstat(file, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != uid))
		return -EEXIST;
	if (still_named(folder, name, file) && unlinkat(folder, name, 0) < 0)
		return -errno;
	return 0;
}

/* Returns a new file that is locked, -EAGAIN to try again, or -errno. */
static int try_draft(int folder, const char *name, uid_t uid)
{
	int file = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	if (file < 0 && errno == EEXIST) {
		r = clear_draft(folder, name, uid);
		return r < 0 ? r : -EAGAIN;
	}
	if (file < 0)
		return -errno;
	/* Another may have been faster to lock it and have taken it for a leftover. */
	if (flock(file, LOCK_EX | LOCK_NB) == 0 && still_named(folder, name, file))
		return file;
	(void)close(file);
	return -EAGAIN;
}

static bool exists(const struct found *f)
{
	struct stat st;

	return fstatat(f->folder, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int new_draft(struct image *image, uid_t uid)
{
	const struct found *f = &image->found;

	image->draft_name = text_format(".%s.microvm-new", f->name);
	do
		image->draft = try_draft(f->folder, image->draft_name, uid);
	while (image->draft == -EAGAIN && !exists(f));
	return image->draft < 0 ? image->draft : 0;
}

struct mkfs {
	const char *program, *quiet, *label, *package;
};

static const struct mkfs mkfs_programs[] = {
	[FS_EXT2] = { "mkfs.ext2", "-q", "-L", "e2fsprogs" },
	[FS_EXT3] = { "mkfs.ext3", "-q", "-L", "e2fsprogs" },
	[FS_EXT4] = { "mkfs.ext4", "-q", "-L", "e2fsprogs" },
	[FS_XFS] = { "mkfs.xfs", "-q", "-L", "xfsprogs" },
	[FS_BTRFS] = { "mkfs.btrfs", "-q", "-L", "btrfs-progs" },
	[FS_VFAT] = { "mkfs.vfat", NULL, "-n", "dosfstools" },
};

static int run(const struct image *image, const struct words *argv, const char *package)
{
	OWNED(drop_str) char *doing = text_format("volume %s: making %s", image->volume->section.id, image->path);
	int r = progress_run(argv, image->draft, doing, 0);
	OWNED(drop_str) char *failure = program_failure(r, argv->at[0], package);

	return failure ? image_fail(image, "cannot be made: %s", failure) : EXIT_DONE;
}

static int run_mkfs(const struct image *image)
{
	OWNED(drop_words) struct words argv = { 0 };
	const struct volume *v = image->volume;
	const struct mkfs *mkfs = &mkfs_programs[v->fs_type];

	words_add(&argv, mkfs->program);
	if (mkfs->quiet)
		words_add(&argv, mkfs->quiet);
	if (v->label && *v->label) {
		words_add(&argv, mkfs->label);
		words_add(&argv, v->label);
	}
	words_add_all(&argv, &v->mkfs_extra_args);
	words_add(&argv, GIVEN_FILE);
	return run(image, &argv, mkfs->package);
}

/* Makes sure that a format's program is only let loose on nothing, and that it did its work. */
static int format_raw(const struct image *image)
{
	const struct volume *v = image->volume;
	OWNED(drop_str) char *before = NULL;
	OWNED(drop_str) char *after = NULL;
	int r;

	if (ftruncate(image->draft, (off_t)v->size) < 0)
		return image_fail(image, "cannot be made with %" PRIu64 " bytes: %s", v->size,
				  strerror(errno));
	if (v->fs_type == FS_NONE)
		return EXIT_DONE;
	r = probe_content(image->draft, &before);
	if (r != CONTENT_EMPTY)
		return image_fail(image, "cannot be made: the new file is not empty");
	r = run_mkfs(image);
	if (r != EXIT_DONE)
		return r;
	r = probe_content(image->draft, &after);
	if (r != CONTENT_KNOWN || strcmp(after, fs_type_names[v->fs_type]) != 0)
		return image_fail(image, "cannot be made: %s left %s, not %s; see mkfsExtraArgs",
				  mkfs_programs[v->fs_type].program,
				  after ? after : "no file system", fs_type_names[v->fs_type]);
	return EXIT_DONE;
}

static int format_other(const struct image *image)
{
	/* A fixed VHD of exactly that size is what every hypervisor that reads VHD can read. */
	static const char *const formats[][2] = {
		[IMAGE_QCOW2] = { "qcow2", NULL },
		[IMAGE_VHD] = { "vpc", "subformat=fixed,force_size=on" },
		[IMAGE_VHDX] = { "vhdx", NULL },
	};
	OWNED(drop_words) struct words argv = { 0 };
	const struct volume *v = image->volume;

	words_add(&argv, "qemu-img");
	words_add(&argv, "create");
	words_add(&argv, "-q");
	words_add(&argv, "-f");
	words_add(&argv, formats[v->image_type][0]);
	if (formats[v->image_type][1]) {
		words_add(&argv, "-o");
		words_add(&argv, formats[v->image_type][1]);
	}
	words_add(&argv, GIVEN_FILE);
	words_addf(&argv, "%" PRIu64, v->size);
	return run(image, &argv, "qemu-utils");
}

static int sync_folder(int folder)
{
	OWNED(drop_fd) int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int may_make(const struct image *image)
{
	const struct volume *v = image->volume;

	if (!v->auto_create)
		return image_fail(image, "does not exist, and autoCreate = no");
	if (!section_sets(&v->section, "size") || v->size == 0)
		image_fail(image, "does not exist; set size to have it made");
	else if (v->image_type != IMAGE_RAW && section_sets(&v->section, "fsType") &&
		 v->fs_type != FS_NONE)
		image_fail(image,
			   "does not exist, and a file system is only made in a raw image; set "
			   "fsType = none");
	else
		return EXIT_DONE;
	return EXIT_NOT_CONFIGURED;
}

/* In a folder of the user's, that is: in one where it could put any file itself. */
static int own(const struct image *image, uid_t uid, gid_t gid)
{
	struct stat folder;

	if (fstat(image->found.folder, &folder) < 0 ||
	    (folder.st_uid == uid && fchown(image->draft, uid, gid) < 0))
		return image_fail(image, "cannot be given to UID %u: %s", uid, strerror(errno));
	return EXIT_DONE;
}

int image_draft(struct image *image, uid_t uid, gid_t gid)
{
	int r = may_make(image);

	if (r != EXIT_DONE)
		return r;
	r = new_draft(image, uid);
	/* Also where our draft is there: the one before it may have become the image just then. */
	if (exists(&image->found))
		return image_find_again(image);
	if (r < 0)
		return image_fail(image, "cannot be made: %s: %s", image->draft_name, strerror(-r));
	r = image->volume->image_type == IMAGE_RAW ? format_raw(image) : format_other(image);
	return r == EXIT_DONE ? own(image, uid, gid) : r;
}

int image_publish(struct image *image)
{
	const struct found *f = &image->found;

	/* fsync() may be the first to tell that the disk is full. */
	if (fsync(image->draft) < 0 ||
	    renameat2(f->folder, image->draft_name, f->folder, f->name, RENAME_NOREPLACE) < 0)
		return image_fail(image, "cannot be made: %s", strerror(errno));
	drop_fd(&image->draft);
	image->draft = -1;
	image_say(image, LEVEL_INFO, "made, %" PRIu64 " bytes", image->volume->size);
	if (sync_folder(f->folder) < 0)
		return image_fail(image, "the folder that it lies in cannot be written: %s",
				  strerror(errno));
	return EXIT_DONE;
}
