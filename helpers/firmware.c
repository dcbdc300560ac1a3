/* SPDX-License-Identifier: MIT */
#include "firmware.h"

#include "../common/owned.h"
#include "../common/text.h"

#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <string.h>

static const char *const folders[] = { "/etc/qemu/firmware", "/usr/share/qemu/firmware" };

static void drop_json(json_object **o)
{
	json_object_put(*o);
}

static const char *text_at(json_object *o, const char *pointer)
{
	json_object *found = NULL;

	return json_pointer_get(o, pointer, &found) < 0 ? NULL : json_object_get_string(found);
}

static bool list_has(json_object *o, const char *pointer, const char *text)
{
	json_object *list = NULL;

	if (json_pointer_get(o, pointer, &list) < 0 || !json_object_is_type(list, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (strcmp(json_object_get_string(json_object_array_get_idx(list, i)), text) == 0)
			return true;
	return false;
}

static char *format_at(json_object *o, const char *pointer)
{
	const char *told = text_at(o, pointer);

	return text_copy(told ? told : "raw");
}

static void read_description(json_object *o, struct firmware *ret)
{
	const char *architecture = text_at(o, "/targets/0/architecture");
	const char *variables = text_at(o, "/mapping/nvram-template/filename");

	ret->architecture = architecture_find(architecture ? architecture : "");
	ret->format = format_at(o, "/mapping/executable/format");
	ret->variables = variables ? text_copy(variables) : NULL;
	ret->variables_format = format_at(o, "/mapping/nvram-template/format");
	ret->guarded = list_has(o, "/features", "requires-smm");
}

static bool describes(const char *path, const char *image, struct firmware *ret)
{
	OWNED(drop_json) json_object *o = json_object_from_file(path);
	const char *described = o ? text_at(o, "/mapping/executable/filename") : NULL;

	if (!described || strcmp(described, image) != 0)
		return false;
	read_description(o, ret);
	return true;
}

/* Of several descriptions of one image the first by name is meant. */
static bool find_in(const char *folder, const char *image, struct firmware *ret)
{
	struct dirent **entries = NULL;
	int n = scandir(folder, &entries, NULL, alphasort);
	bool found = false;

	for (int i = 0; i < n; i++) {
		OWNED(drop_str) char *path = text_format("%s/%s", folder, entries[i]->d_name);

		found = found || (*entries[i]->d_name != '.' && describes(path, image, ret));
		free(entries[i]);
	}
	free(entries);
	return found;
}

/* The file's name with VARS for CODE, if there is one of that name. */
static char *template_beside(const char *image)
{
	OWNED(drop_str) char *path = text_copy(image);
	char *name = strrchr(path, '/'), *code = name ? strstr(name, "CODE") : NULL;

	if (!code)
		return NULL;
	memcpy(code, "VARS", 4);
	return access(path, R_OK) == 0 ? MOVE(path) : NULL;
}

void firmware_find(const char *image, struct firmware *ret)
{
	*ret = (struct firmware){ .architecture = ARCHITECTURE_UNKNOWN };
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (find_in(folders[i], image, ret))
			return;
	ret->format = text_copy("raw");
	ret->variables = template_beside(image);
	ret->variables_format = text_copy("raw");
}

void drop_firmware(struct firmware *f)
{
	free(f->format);
	free(f->variables);
	free(f->variables_format);
}
