/* SPDX-License-Identifier: MIT */
/* sink.h: where units go: a folder of systemd's, a terminal, or nowhere, for who asks for their digest alone. */
#pragma once

#include <stdint.h>

enum { SINK_PRINT = -1, SINK_NOWHERE = -2 };

struct sink {
	int folder; /* descriptor, or one of the above */
	uint64_t *digest; /* of all that is written, secrets apart; NULL: nobody asks */
};

/* Writes FOLDER/FILE, whole or not at all. Returns 0 or -errno. */
int sink_file(const struct sink *sink, const char *folder, const char *file, const char *content);
/* The same for what only root may read; a terminal shows that it is there, not what it says. */
int sink_secret(const struct sink *sink, const char *folder, const char *file, const char *content);
/* Writes our drop-in for a unit. */
int sink_dropin(const struct sink *sink, const char *unit, const char *content);
/* Makes FOLDER/NAME a symbolic link to TARGET. One that is there already is good. */
int sink_link(const struct sink *sink, const char *folder, const char *name, const char *target);
