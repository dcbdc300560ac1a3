/* SPDX-License-Identifier: MIT */
/* as-json.h: what a verb shows to programs. */
#pragma once

#include "../common/words.h"

#include <stdint.h>

struct json_object;

struct json_object *json_new(void);
struct json_object *json_new_list(void);
/* NULL becomes null. What is not UTF-8 is escaped as on a terminal. */
void json_add_text(struct json_object *o, const char *key, const char *value);
void json_add_number(struct json_object *o, const char *key, uint64_t value);
void json_add_bool(struct json_object *o, const char *key, bool value);
void json_add_words(struct json_object *o, const char *key, const struct words *values);
/* VALUE is owned by the object, or the list, from now on. */
void json_add(struct json_object *o, const char *key, struct json_object *value);
void json_append(struct json_object *list, struct json_object *value);
/* Prints and frees it. */
void json_print(struct json_object *o);
