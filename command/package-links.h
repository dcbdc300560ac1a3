/* SPDX-License-Identifier: MIT */
/* package-links.h: which runner package a MicroVM starts with, as links in its folder: current, and old, which was
 * current before. */
#pragma once

#include "../common/words.h"

/* Makes current lead to PACKAGE, an absolute path, and old to where it led before; the folder is made where there
 * is none. All log and return an exit_code. */
int package_links_set(const char *name, const char *package);

/* current is what old was, and the other way round, at once. */
int package_links_swap(const char *name);

/* Where current leads to now, NULL where there is none; free() by the caller. */
char *package_link_read(const char *name, const char *link);
