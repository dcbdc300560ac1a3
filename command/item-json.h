/* SPDX-License-Identifier: MIT */
/* item-json.h: one MicroVM, for programs. */
#pragma once

#include "inventory.h"

struct json_object;

/* What "microvm list" has of it. */
struct json_object *item_json(const struct item *item);

/* Adds to that what "microvm status" has more, its console's last lines included. Logs what is
 * wrong and returns an exit_code. */
int item_json_add(struct json_object *o, struct systemd *bus, const struct item *item,
		  size_t lines);
