/* SPDX-License-Identifier: MIT */
#include "http.h"

#include "language.h"
#include "../common/log.h"
#include "../common/owned.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum {
	HEAD_LIMIT = 1 << 14, /* bytes; no reply that we ask for comes near */
	BODY_LIMIT = 1 << 20,
};

struct http {
	struct text input;
	bool greeted; /* NEWS_OPEN was told */
	bool due;     /* a reply */
	bool reads;   /* what was asked was a GET */
	char *reply;  /* the body of the last one, if it was no error */
};

struct reply {
	const char *head, *end; /* the end is where the empty line begins */
	unsigned status;
	const char *body;
	size_t length;
};

static void drop_json(json_object **o)
{
	(void)json_object_put(*o);
}

struct http *http_new(void)
{
	return must(calloc(1, sizeof(struct http)));
}

void drop_http(struct http **h)
{
	if (!*h)
		return;
	drop_text(&(*h)->input);
	free((*h)->reply);
	free(*h);
	*h = NULL;
}

void http_hear(struct http *h, const char *bytes, size_t n)
{
	text_add_bytes(&h->input, bytes, n);
}

void http_ask(struct http *h, const char *question, struct text *send)
{
	size_t method = strcspn(question, " "), target = strcspn(question + method + 1, " ");
	const char *body = question + method + 1 + target;

	if (h->due)
		return;
	h->due = true;
	h->reads = strncmp(question, "GET ", 4) == 0;
	text_addf(send, "%.*s HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n",
		  (int)(method + 1 + target), question);
	if (*body)
		text_addf(send, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
			  strlen(body + 1), body + 1);
	else
		text_add(send, "\r\n");
}

/* "HTTP/1.1 204 No Content" */
static bool read_status(struct reply *r)
{
	const char *line = r->head;

	if (r->end - line < 12 || strncmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ')
		return false;
	for (size_t i = 9; i < 12; i++) {
		if (line[i] < '0' || line[i] > '9')
			return false;
		r->status = r->status * 10 + (unsigned)(line[i] - '0');
	}
	return true;
}

/* The value of a field, without the blanks before it, or NULL. */
static const char *field_of(const struct reply *r, const char *name)
{
	const char *line = r->head;
	size_t n = strlen(name);

	while ((line = memchr(line, '\n', (size_t)(r->end - line)))) {
		line++;
		if ((size_t)(r->end - line) > n && strncasecmp(line, name, n) == 0 &&
		    line[n] == ':')
			return line + n + 1 + strspn(line + n + 1, " \t");
	}
	return NULL;
}

static bool read_length(struct reply *r)
{
	const char *value = field_of(r, "Content-Length");
	char *end;

	if (field_of(r, "Transfer-Encoding"))
		return false;
	if (!value)
		return true;
	errno = 0;
	r->length = strtoul(value, &end, 10);
	return end > value && *value != '-' && errno == 0 && r->length <= BODY_LIMIT;
}

/* A whole reply, 0 for one that is not whole yet, or -EPROTO. */
static int read_reply(const struct text *input, struct reply *ret)
{
	struct reply r = { .head = input->at };

	r.end = input->length > 0 ? strstr(input->at, "\r\n\r\n") : NULL;
	if (!r.end)
		return input->length > HEAD_LIMIT ? -EPROTO : 0;
	r.body = r.end + 4;
	if (!read_status(&r) || !read_length(&r))
		return -EPROTO;
	if ((size_t)(input->at + input->length - r.body) < r.length)
		return 0;
	*ret = r;
	return 1;
}

static void forget(struct http *h, const char *until)
{
	struct text rest = { 0 };

	text_add_bytes(&rest, until, (size_t)(h->input.at + h->input.length - until));
	drop_text(&h->input);
	h->input = rest;
}

/* Both hypervisors tell in "state" of what they are asked. */
static enum news judge_state(const struct reply *r)
{
	OWNED(drop_str) char *text = must(strndup(r->body, r->length));
	OWNED(drop_json) json_object *reply = json_tokener_parse(text);
	json_object *state;

	if (!json_object_is_type(reply, json_type_object) ||
	    !json_object_object_get_ex(reply, "state", &state) ||
	    !json_object_is_type(state, json_type_string))
		return NEWS_NOT_YET;
	if (strcmp(json_object_get_string(state), "Running") == 0)
		return NEWS_YES;
	return strcmp(json_object_get_string(state), "Paused") == 0 ? NEWS_NO : NEWS_NOT_YET;
}

/* An error to a GET is a guest that is not made yet. */
static enum news judge(struct http *h, const struct reply *r)
{
	bool good = r->status >= 200 && r->status < 300;

	free(h->reply);
	h->reply = good && r->length > 0 ? must(strndup(r->body, r->length)) : NULL;
	if (h->reads)
		return good ? judge_state(r) : NEWS_NOT_YET;
	return good ? NEWS_YES : NEWS_NO;
}

enum news http_next(struct http *h)
{
	struct reply reply;
	enum news news = NEWS_NONE;
	int r;

	if (!h->greeted) {
		h->greeted = true;
		return NEWS_OPEN;
	}
	while (news == NEWS_NONE && (r = read_reply(&h->input, &reply)) != 0) {
		if (r < 0 || !h->due)
			return NEWS_CLOSED;
		/* 1xx: the real one is to come. */
		if (reply.status >= 200) {
			news = judge(h, &reply);
			h->due = false;
		}
		forget(h, reply.body + reply.length);
	}
	return news;
}

static void *begin(void)
{
	return http_new();
}

static void hear(void *talk, const char *bytes, size_t n)
{
	http_hear(talk, bytes, n);
}

static enum news next(void *talk, struct text *send)
{
	(void)send;
	return http_next(talk);
}

static void ask(void *talk, const char *question, struct text *send)
{
	http_ask(talk, question, send);
}

static const char *reply(void *talk)
{
	struct http *h = talk;

	return h->reply;
}

static void drop(void *talk)
{
	struct http *h = talk;

	drop_http(&h);
}

const struct language language_http = {
	.socket = SOCK_STREAM,
	.begin = begin,
	.hear = hear,
	.next = next,
	.ask = ask,
	.reply = reply,
	.drop = drop,
};
