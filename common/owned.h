/* SPDX-License-Identifier: MIT */
/* owned.h: a variable that owns something says so where it is born. */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OWNED(drop) __attribute__((cleanup(drop)))

/* Hands the value over; the variable is empty afterwards and its dropper does nothing. */
#define MOVE(p) \
	({ \
		__auto_type was_ = (p); \
		(p) = NULL; \
		was_; \
	})

/* The same for a descriptor. */
#define MOVE_FD(fd) \
	({ \
		int was_ = (fd); \
		(fd) = -1; \
		was_; \
	})

static inline void drop_str(char **s)
{
	free(*s);
}

static inline void drop_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void drop_file(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static inline void drop_dir(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}
