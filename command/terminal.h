/* SPDX-License-Identifier: MIT */
/* terminal.h: this terminal and a MicroVM's console, joined. */
#pragma once

#include <stdbool.h>

/* What the user wants with Ctrl-], or somebody with a signal that would end this program; returns
 * whether to leave. */
typedef bool (*terminal_leave)(void *arg);

/* Something else that happens meanwhile; LOOK is called when FD is readable, and after as many milliseconds as it said
 * the last time (-1: any number). Returns whether to leave. */
struct terminal_watch {
	int fd;
	bool (*look)(void *arg, int *patience);
};

/* Passes bytes between standard input and output and the socket, until the other side ends or LEAVE
 * or the watch (NULL: none) say so. A terminal is raw for that long and as it was afterwards;
 * GREETING (NULL: none) is told to it as soon as keys and signals mean what it says. Returns 0
 * after the other side's end, 1 otherwise, or -errno. */
int terminal_join(int socket, const char *greeting, const struct terminal_watch *watch,
		  terminal_leave leave, void *arg);

/* A line of our own, between those of the guest. */
void terminal_tell(const char *text);
