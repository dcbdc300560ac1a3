/* SPDX-License-Identifier: MIT */
/* The folders between the state folder and an image that is to be made below it. */
#include "image.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* It is the user's before anybody can have put something in. */
static int make(const struct found *f, uid_t uid, gid_t gid)
{
	OWNED(drop_fd) int fd = -1;

	if (mkdirat(f->folder, f->name, 0700) < 0)
		return errno == EEXIST ? 0 : -errno;
	fd = openat(f->folder, f->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 || fchown(fd, uid, gid) < 0 ? -errno : 0;
}

static int make_one(const char *path, uid_t uid, gid_t gid)
{
	OWNED(drop_found) struct found found = NOTHING_FOUND;
	int r = path_find(path, &found);

	return r == 0 && found.file < 0 ? make(&found, uid, gid) : r;
}

int image_make_folders(const struct microvm *vm, const struct volume *v, uid_t uid, gid_t gid)
{
	const char *slash = v->image && *v->image != '/' ? strchr(v->image, '/') : NULL;
	OWNED(drop_str) char *state = microvm_state_dir(vm);
	int r = 0;

	if (volume_is_device(v) || !v->auto_create || v->size == 0)
		return EXIT_DONE;
	for (; slash && r == 0; slash = strchr(slash + 1, '/')) {
		OWNED(drop_str)
		char *path = text_format("%s/%.*s", state, (int)(slash - v->image), v->image);

		r = make_one(path, uid, gid);
		/* The way to the image says this one better. */
		if (r == -ELOOP)
			return EXIT_DONE;
		if (r < 0)
			log_line(LEVEL_ERROR, "volume %s: %s: cannot be made: %s", v->section.id,
				 path, strerror(-r));
	}
	return r < 0 ? EXIT_REFUSED : EXIT_DONE;
}
