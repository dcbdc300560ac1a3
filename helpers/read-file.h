/* SPDX-License-Identifier: MIT */
/* read-file.h: a whole file in memory. */
#pragma once

#include "../common/text.h"

/* Adds what an open file holds from where it stands; never leaves the text NULL. Returns 0 or -errno. */
int read_file(int fd, struct text *ret);
/* The same for a path below a folder, on which no link is followed. */
int read_file_at(int folder, const char *path, struct text *ret);
