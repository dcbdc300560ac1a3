/* SPDX-License-Identifier: MIT */
#include "qmp.h"

#include "language.h"

#include "../common/log.h"
#include "../common/owned.h"

#include <json-c/json.h>
#include <string.h>
#include <sys/socket.h>

enum { LINE_LIMIT = 1 << 20 }; /* no reply that we ask for comes near */

struct qmp {
	struct text input;
	size_t taken;  /* of the input, by lines that were read */
	int32_t asked; /* number of the last request */
	bool greeted;
	bool open; /* the capabilities are negotiated */
	char *reply; /* what the last one returned */
};

static void drop_json(json_object **o)
{
	(void)json_object_put(*o);
}

struct qmp *qmp_new(void)
{
	return must(calloc(1, sizeof(struct qmp)));
}

void drop_qmp(struct qmp **q)
{
	if (!*q)
		return;
	drop_text(&(*q)->input);
	free((*q)->reply);
	free(*q);
	*q = NULL;
}

void qmp_hear(struct qmp *q, const char *bytes, size_t n)
{
	struct text rest = { 0 };

	if (q->taken > 0) {
		text_add_bytes(&rest, q->input.at + q->taken, q->input.length - q->taken);
		drop_text(&q->input);
		q->input = rest;
		q->taken = 0;
	}
	text_add_bytes(&q->input, bytes, n);
}

void qmp_ask(struct qmp *q, const char *command, struct text *send)
{
	size_t n = strcspn(command, " ");

	text_addf(send, "{\"execute\":\"%.*s\"", (int)n, command);
	if (command[n])
		text_addf(send, ",\"arguments\":%s", command + n + 1);
	/* A text, because stratovirt knows no other. */
	text_addf(send, ",\"id\":\"%d\"}\n", ++q->asked);
}

static bool is_reply_to(json_object *message, int32_t id)
{
	json_object *o;

	return json_object_object_get_ex(message, "id", &o) &&
	       json_object_is_type(o, json_type_string) && json_object_get_int(o) == id;
}

/* query-status tells whether the guest runs; a command that only does something returns nothing. */
static enum news judge_return(json_object *value)
{
	json_object *running;

	if (!json_object_object_get_ex(value, "running", &running))
		return NEWS_YES;
	return json_object_get_boolean(running) ? NEWS_YES : NEWS_NO;
}

static enum news judge_reply(struct qmp *q, json_object *message)
{
	json_object *value;
	bool done = json_object_object_get_ex(message, "return", &value);

	if (!done && !json_object_object_get_ex(message, "error", NULL))
		return NEWS_NONE;
	if (!q->greeted || !is_reply_to(message, q->asked))
		return NEWS_NONE;
	free(q->reply);
	q->reply = done ? text_copy(json_object_to_json_string(value)) : NULL;
	if (q->open)
		return done ? judge_return(value) : NEWS_NO;
	q->open = done;
	return done ? NEWS_OPEN : NEWS_CLOSED;
}

static enum news judge(struct qmp *q, json_object *message, struct text *send)
{
	json_object *event;

	if (json_object_object_get_ex(message, "QMP", NULL) && !q->greeted) {
		q->greeted = true;
		qmp_ask(q, "qmp_capabilities", send);
		return NEWS_NONE;
	}
	if (!json_object_object_get_ex(message, "event", &event))
		return judge_reply(q, message);
	return json_object_is_type(event, json_type_string) &&
			       strcmp(json_object_get_string(event), "SHUTDOWN") == 0
		       ? NEWS_ENDING
		       : NEWS_NONE;
}

static enum news judge_line(struct qmp *q, const char *line, size_t n, struct text *send)
{
	OWNED(drop_str) char *copy = must(strndup(line, n));
	OWNED(drop_json) json_object *message = json_tokener_parse(copy);

	return json_object_is_type(message, json_type_object) ? judge(q, message, send) : NEWS_NONE;
}

enum news qmp_next(struct qmp *q, struct text *send)
{
	enum news news = NEWS_NONE;

	while (news == NEWS_NONE && q->taken < q->input.length) {
		const char *line = q->input.at + q->taken;
		size_t left = q->input.length - q->taken;
		const char *end = memchr(line, '\n', left);

		if (!end)
			return left > LINE_LIMIT ? NEWS_CLOSED : NEWS_NONE;
		q->taken += (size_t)(end - line) + 1;
		news = judge_line(q, line, (size_t)(end - line), send);
	}
	return news;
}

static void *begin(void)
{
	return qmp_new();
}

static void hear(void *talk, const char *bytes, size_t n)
{
	qmp_hear(talk, bytes, n);
}

static enum news next(void *talk, struct text *send)
{
	return qmp_next(talk, send);
}

static void ask(void *talk, const char *question, struct text *send)
{
	qmp_ask(talk, question, send);
}

static const char *reply(void *talk)
{
	struct qmp *q = talk;

	return q->reply;
}

static void drop(void *talk)
{
	struct qmp *q = talk;

	drop_qmp(&q);
}

const struct language language_qmp = {
	.socket = SOCK_STREAM,
	.greets = true,
	.begin = begin,
	.hear = hear,
	.next = next,
	.ask = ask,
	.reply = reply,
	.drop = drop,
};
