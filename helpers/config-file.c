/* SPDX-License-Identifier: MIT */
#include "config-file.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <string.h>

void drop_config(struct json_object **config)
{
	(void)json_object_put(*config);
	*config = NULL;
}

static bool is_number(const char *name)
{
	return *name && name[strspn(name, "0123456789")] == '\0';
}

/* Hands VALUE over to the object or list. */
static void put(json_object *parent, const char *name, json_object *value)
{
	if (json_object_is_type(parent, json_type_array))
		(void)json_object_array_put_idx(parent, strtoul(name, NULL, 10), value);
	else
		(void)json_object_object_add(parent, name, value);
}

static json_object *get(json_object *parent, const char *name)
{
	if (json_object_is_type(parent, json_type_array))
		return json_object_array_get_idx(parent, strtoul(name, NULL, 10));
	return json_object_object_get(parent, name);
}

/* "drives.0.drive_id" below an object: what is on the way is made, a list before a number. */
static void put_at(json_object *parent, char *path, json_object *value)
{
	char *next;

	while ((next = strchr(path, '.'))) {
		json_object *child;

		*next++ = '\0';
		child = get(parent, path);
		if (!child) {
			OWNED(drop_str) char *name = text_copy(next);

			name[strcspn(name, ".")] = '\0';
			child = must(is_number(name) ? json_object_new_array()
						     : json_object_new_object());
			put(parent, path, child);
		}
		parent = child;
		path = next;
	}
	put(parent, path, value);
}

/* "PATH=TEXT" or "PATH:=JSON" */
static void put_word(json_object *config, const char *word)
{
	OWNED(drop_str) char *path = text_copy(word);
	char *value = strchr(path, '=');
	bool json = value > path && value[-1] == ':';

	value[json ? -1 : 0] = '\0';
	value++;
	put_at(config, path,
	       json ? json_tokener_parse(value) : must(json_object_new_string(value)));
}

/* RFC 7396: what the user's file says null of is taken out, objects are merged, all else is
 * replaced. */
static void merge(json_object *target, json_object *patch)
{
	json_object_object_foreach(patch, name, value)
	{
		json_object *old = json_object_object_get(target, name);

		if (!value) {
			json_object_object_del(target, name);
		} else if (!json_object_is_type(value, json_type_object)) {
			(void)json_object_object_add(target, name, json_object_get(value));
		} else {
			if (!json_object_is_type(old, json_type_object)) {
				old = must(json_object_new_object());
				(void)json_object_object_add(target, name, old);
			}
			merge(old, value);
		}
	}
}

static int merge_file(json_object *config, const char *path)
{
	OWNED(drop_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	OWNED(drop_config) json_object *patch = NULL;

	if (fd < 0)
		return -errno;
	patch = json_object_from_fd(fd);
	if (!json_object_is_type(patch, json_type_object))
		return -EBADMSG;
	merge(config, patch);
	return 0;
}

int config_make(const struct words *values, const char *over, struct json_object **ret)
{
	OWNED(drop_config) json_object *config = must(json_object_new_object());
	int r;

	for (size_t i = 0; i < values->count; i++)
		put_word(config, values->at[i]);
	r = over ? merge_file(config, over) : 0;
	if (r == 0)
		*ret = MOVE(config);
	return r;
}

int config_write(struct json_object *config, const char *path)
{
	OWNED(drop_str) char *fresh = text_format("%s.new", path);
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
	OWNED(drop_fd) int fd = open(fresh, flags, 0600);
	int r = 0;

	if (fd < 0)
		return -errno;
	errno = EIO;
	if (json_object_to_fd(fd, config,
			      JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE) < 0)
		r = -errno;
	if (r == 0 && rename(fresh, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(fresh);
	return r;
}

void config_print(struct json_object *config)
{
	puts(json_object_to_json_string_ext(config, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
}
