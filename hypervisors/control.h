/* SPDX-License-Identifier: MIT */
/* control.h: asking a hypervisor that runs. The socket may not be there yet, vanish, be held by
 * another client, answer late, in pieces, wrongly or never: whoever asks goes on until the process
 * has ended or the time is over. */
#pragma once

#include "hypervisor.h"

#include "../common/clock.h"

enum news {
	NEWS_NONE,
	NEWS_OPEN, /* connected, and questions are welcome */
	NEWS_YES,  /* the reply: it is so, or it will be done */
	NEWS_NO,
	NEWS_NOT_YET, /* the reply: no, and that is as it should be for now */
	NEWS_ENDING, /* the guest is down, the hypervisor is about to end */
	NEWS_CLOSED, /* the connection is lost or of no use */
	NEWS_ENDED,  /* the process is gone */
};

/* What people may want to know meanwhile. */
enum told {
	TOLD_ABSENT, /* nobody can be reached at the socket; error says why */
	TOLD_SILENT, /* connected, but not greeted */
	TOLD_PAUSED, /* the hypervisor answers, the guest does not run */
	TOLD_ASKED,  /* the power button is pressed */
	TOLD_REFUSED,
	TOLD_ENDING, /* the guest is down */
};

struct control {
	const struct hypervisor *hypervisor;
	const char *path;  /* of the socket */
	int process;	   /* pidfd of the hypervisor; -1: nobody watches it */
	unsigned patience; /* milliseconds without an answer until that is told */
	int console;	   /* where is typed what the hypervisor's nudge is */
	void (*tell)(const struct control *c, enum told what, int error);

	/* control.c's own */
	int socket;
	void *talk; /* of the language */
	bool open;
	int error; /* of the last attempt to connect */
	int64_t next_attempt;
	int64_t tell_at;
};

/* The first members are set by the caller; what this sets is dropped by drop_control(). */
void control_begin(struct control *c);

/* Waits until the guest runs. Returns 0, or -ESRCH when the hypervisor has ended before. */
int control_wait_running(struct control *c);

/* Presses the guest's power button, again and again because a guest that boots misses it, until the
 * hypervisor ends. Returns 0, or -ETIMEDOUT at the deadline. */
int control_power_off(struct control *c, int64_t deadline);

/* Asks once, and again where the connection is lost before it is answered. Returns 0, -EREMOTEIO where
 * the hypervisor refuses, -ESRCH when it has ended, or -ETIMEDOUT at the deadline. REPLY is JSON text or
 * NULL; free() by the caller. */
int control_question(struct control *c, const char *question, int64_t deadline, char **reply);

void drop_control(struct control *c);
