/* SPDX-License-Identifier: MIT */
/* load.h: entries of files into a MicroVM. */
#pragma once

#include "sources.h"

/* Keeps the entries of a file for later; a file that cannot be read is a problem. */
void entries_read(const char *path, const char *shown, struct problems *problems,
		  struct entries *ret);
void drop_entries(struct entries *e);
