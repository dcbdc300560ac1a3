/* SPDX-License-Identifier: MIT */
/* link.h: symbolic links. */
#pragma once

/* The last part of what the link leads to, as sysfs names things; NULL with errno set where there is no link;
 * free() by the caller. */
char *link_end(const char *path);
