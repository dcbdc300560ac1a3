/* SPDX-License-Identifier: MIT */
/* release.h: how old a program is, as it says itself at each start, because packages change. */
#pragma once

/* The first number with a dot of what PROGRAM ARGUMENT prints, as RELEASE() makes it. Returns 0,
 * -ENODATA where there is none, or -errno. */
int program_release(const char *program, const char *argument, unsigned *ret);
