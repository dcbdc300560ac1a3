/* SPDX-License-Identifier: MIT */
/* http.h: as much of HTTP/1.1 as cloud-hypervisor and firecracker speak over their Unix sockets:
 * one request at a time, replies with a Content-Length or without a body. (libcurl would cost every
 * start and stop a hundred times the instructions of the rest of the program.) */
#pragma once

#include "control.h"
#include "../common/text.h"

struct http;

struct http *http_new(void);

/* Takes what was received, in pieces of any size. */
void http_hear(struct http *h, const char *bytes, size_t n);

/* First NEWS_OPEN: nobody greets. Then what each reply means: to a GET, whether the "state" in it
 * is that of a guest that runs; to a PUT, whether it will be done. */
enum news http_next(struct http *h);

/* QUESTION is "GET /path", "PUT /path" or "PUT /path BODY". Adds nothing while a reply is due. */
void http_ask(struct http *h, const char *question, struct text *send);

void drop_http(struct http **h);
