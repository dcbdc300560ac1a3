/* SPDX-License-Identifier: MIT */
/* there.h: another host, by ssh: one connection, on which a command runs there and rsync goes
 * beside it. Who logs in is asked at most once. */
#pragma once

#include "../common/words.h"

#include <stdio.h>
#include <sys/types.h>

struct there {
	const char *host;
	char *folder, *socket; /* of the connection, for who goes along */
	pid_t ssh;
	FILE *to, *from; /* standard input and output of the command there */
};

#define NOT_THERE ((struct there){ .ssh = -1 })

/* Runs COMMAND, words that a shell takes as they are. Logs and returns an exit_code; who cannot log
 * in is told by ssh when something is read. */
int there_begin(const char *host, const struct words *command, struct there *ret);

/* Runs rsync with these options, from here to a folder there. Its progress is shown on a terminal.
 * Logs and returns an exit_code. */
int there_send(const struct there *t, const struct words *options, const struct words *paths,
	       const char *folder);

/* Ends the command's input and waits for it. Returns an exit_code; what was wrong, the command or
 * ssh has said. */
int there_end(struct there *t);
/* The same where that was not done. */
void drop_there(struct there *t);
