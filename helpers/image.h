/* SPDX-License-Identifier: MIT */
/* image.h: the file of a volume: found, made where it does not exist, judged and grown where it does.
 * Nothing that exists is ever formatted, made shorter or replaced. One that is made is a draft under
 * another name until it is published; one that is dropped before leaves nothing.
 *
 * The verbs report what is wrong by themselves and return an enum exit_code. */
#pragma once

#include "../config/model.h"
#include "../common/trusted-path.h"

struct image {
	const struct volume *volume;
	char *path;
	struct found found;
	char *draft_name;
	int draft; /* -1: there is none */
};

#define NO_IMAGE ((struct image){ .found = NOTHING_FOUND, .draft = -1 })

/* Makes the folders below the state folder for an image that is to be made in one, as the user's.
 */
int image_make_folders(const struct microvm *vm, const struct volume *v, uid_t uid, gid_t gid);

/* Finds the image of a volume; found.file stays -1 where it does not exist. */
int image_find(const struct microvm *vm, const struct volume *v, struct image *ret);

/* The same once more, for what has changed meanwhile. */
int image_find_again(struct image *image);

/* Drafts an image that does not exist, with all that is to be in it. In a folder of the user's it is
 * the user's, else it is root's. Where the image came to be meanwhile, it is found instead. */
int image_draft(struct image *image, uid_t uid, gid_t gid);

/* Gives the draft the image's name. */
int image_publish(struct image *image);

/* Opens an image that exists, for reading. A block device is refused where the host uses it, or
 * where it is not what the volume wants; until the descriptor is closed, the host cannot use it. */
int image_open(const struct image *image, int *ret);
int image_open_device(const struct image *image, int *ret); /* its part for devices */
bool image_is_device(const struct image *image);

/* Refuses an image that holds something else than the volume's file system. */
int image_check(const struct image *image, int fd);

/* Makes an image longer that is shorter than the volume's size, or says why not; fd is open for
 * reading. */
int image_grow(const struct image *image, int fd);

void drop_image(struct image *image);

/* Logs "volume ID: PATH: ..." and returns EXIT_REFUSED. */
int image_fail(const struct image *image, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void image_say(const struct image *image, int level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

extern const char *const fs_type_names[FS_TYPES];
