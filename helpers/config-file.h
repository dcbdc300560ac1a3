/* SPDX-License-Identifier: MIT */
/* config-file.h: the JSON file that a hypervisor reads what it is to run from. */
#pragma once

#include "../common/words.h"

struct json_object;

/* Makes the file's object of words as struct hypervisor's config() adds them, and merges the file
 * at OVER over it (RFC 7396) unless that is NULL. Returns 0, or -errno: -EBADMSG where OVER is no
 * JSON object. */
int config_make(const struct words *values, const char *over, struct json_object **ret);

/* Writes it as PATH, whole or not at all, for its owner alone. Returns 0 or -errno. */
int config_write(struct json_object *config, const char *path);

/* Prints it. */
void config_print(struct json_object *config);

void drop_config(struct json_object **config);
