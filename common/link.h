/* SPDX-License-Identifier: MIT */
/* link.h: symbolic links. */
#pragma once

/* The last part of what the link leads to, as sysfs names things; NULL with errno set where there is no link;
 * free() by the caller. */
char *link_end(const char *path);

/* Has the name in the folder lead to TARGET, whatever it led to before, at once: whoever looks sees the one or the
 * other. Returns 0 or -errno. */
int link_set(int folder, const char *name, const char *target);
