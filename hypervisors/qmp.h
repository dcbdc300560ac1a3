/* SPDX-License-Identifier: MIT */
/* qmp.h: the QEMU Machine Protocol, one JSON object a line: a greeting, replies to what was asked,
 * and events at any time. Bytes go in, news come out; sockets are control.c's. */
#pragma once

#include "control.h"
#include "../common/text.h"

struct qmp;

struct qmp *qmp_new(void);

/* Takes what was received, in pieces of any size. */
void qmp_hear(struct qmp *q, const char *bytes, size_t n);

/* The next of what was heard, NEWS_NONE when no whole line is left. Adds to send what has to be
 * sent for the protocol to go on. Lines that are nothing known are passed over. */
enum news qmp_next(struct qmp *q, struct text *send);

/* Adds the bytes that ask, a command alone or with its arguments behind a blank; the news of the reply will be NEWS_YES or NEWS_NO. An earlier question
 * is forgotten, and so is its reply. */
void qmp_ask(struct qmp *q, const char *command, struct text *send);

void drop_qmp(struct qmp **q);
