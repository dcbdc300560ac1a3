/* SPDX-License-Identifier: MIT */
#include "as-json.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <json.h>
#include <stdio.h>

struct json_object *json_new(void)
{
	return must(json_object_new_object());
}

struct json_object *json_new_list(void)
{
	return must(json_object_new_array());
}

void json_add(struct json_object *o, const char *key, struct json_object *value)
{
	(void)must(json_object_object_add(o, key, value) < 0 ? NULL : o);
}

void json_append(struct json_object *list, struct json_object *value)
{
	(void)must(json_object_array_add(list, value) < 0 ? NULL : list);
}

static struct json_object *json_text(const char *value)
{
	OWNED(drop_text) struct text shown = { 0 };

	if (text_is_utf8(value))
		return must(json_object_new_string(value));
	text_add_shown(&shown, value);
	return must(json_object_new_string(shown.at));
}

void json_add_text(struct json_object *o, const char *key, const char *value)
{
	json_add(o, key, value ? json_text(value) : NULL);
}

void json_add_number(struct json_object *o, const char *key, uint64_t value)
{
	json_add(o, key, must(json_object_new_uint64(value)));
}

void json_add_bool(struct json_object *o, const char *key, bool value)
{
	json_add(o, key, must(json_object_new_boolean(value)));
}

void json_add_words(struct json_object *o, const char *key, const struct words *values)
{
	struct json_object *list = json_new_list();

	for (size_t i = 0; i < values->count; i++)
		json_append(list, json_text(values->at[i]));
	json_add(o, key, list);
}

void json_print(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
						       JSON_C_TO_STRING_NOSLASHESCAPE));
	(void)json_object_put(o);
}
