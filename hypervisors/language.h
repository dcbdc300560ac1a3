/* SPDX-License-Identifier: MIT */
/* language.h: what control.c knows of a protocol: bytes go in, news come out. A new one is a file with
 * such a struct, a value of enum protocol, and a row in control.c. */
#pragma once

#include "control.h"
#include "../common/text.h"

struct language {
	int socket;  /* SOCK_STREAM, SOCK_SEQPACKET */
	bool greets; /* the other side speaks first; NEWS_OPEN is when it has */

	void *(*begin)(void);
	/* Takes what was received: of a stream pieces of any size, else one packet. */
	void (*hear)(void *talk, const char *bytes, size_t n);
	/* The next of what was heard. Adds to send what has to be sent for the protocol to go on. */
	enum news (*next)(void *talk, struct text *send);
	/* Adds the bytes that ask what one of the hypervisor's words (ask_status, ...) says. May add
	 * nothing while an earlier question is open. */
	void (*ask)(void *talk, const char *question, struct text *send);
	/* What the last reply held, as JSON text; NULL: nothing, or it was an error. Owned by the talk.
	 * NULL instead of a function: replies hold nothing. */
	const char *(*reply)(void *talk);
	void (*drop)(void *talk);
};

extern const struct language language_qmp;
extern const struct language language_http;
extern const struct language language_crosvm;
extern const struct language language_kvmtool;
