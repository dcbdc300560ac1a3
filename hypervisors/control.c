/* SPDX-License-Identifier: MIT */
#include "control.h"

#include "language.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
	CONNECT_EVERY = 20, /* all in milliseconds */
	STATUS_AGAIN = 50,  /* after a guest that did not run */
	STATUS_LOST = 1000, /* after no reply */
	PRESS_AGAIN = 2000,
};

static const int64_t never = INT64_MAX;

/* Apart from the hypervisors' own tables, so that who makes a command line needs no JSON library. */
static const struct language *const languages[PROTOCOLS] = {
	[PROTOCOL_QMP] = &language_qmp,
	[PROTOCOL_HTTP] = &language_http,
	[PROTOCOL_CROSVM] = &language_crosvm,
	[PROTOCOL_KVMTOOL] = &language_kvmtool,
};

static const struct language *language_of(const struct control *c)
{
	return languages[c->hypervisor->protocol];
}

static void control_close(struct control *c)
{
	drop_fd(&c->socket);
	if (c->talk)
		language_of(c)->drop(c->talk);
	c->talk = NULL;
	c->socket = -1;
	if (c->open)
		c->tell_at = milliseconds_now() + c->patience;
	c->open = false;
	c->next_attempt = milliseconds_now() + CONNECT_EVERY;
}

void control_begin(struct control *c)
{
	c->socket = -1;
	c->talk = NULL;
	c->open = false;
	c->error = 0;
	c->next_attempt = 0;
	c->tell_at = milliseconds_now() + c->patience;
}

void drop_control(struct control *c)
{
	if (c->hypervisor)
		control_close(c);
}

static int connect_to(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	OWNED(drop_fd) int fd = -1;
	int ret;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	ret = fd;
	fd = -1;
	return ret;
}

static void control_connect(struct control *c)
{
	const struct language *language = language_of(c);
	int fd = connect_to(c->path, language->socket);

	c->error = fd < 0 ? -fd : 0;
	c->next_attempt = milliseconds_now() + CONNECT_EVERY;
	if (fd < 0)
		return;
	c->socket = fd;
	c->talk = language->begin();
}

/* Questions are far smaller than a socket's buffer: one that does not fit at once meets a
 * hypervisor that has stopped reading. */
static bool control_send(struct control *c, const struct text *bytes)
{
	ssize_t n;

	if (bytes->length == 0)
		return true;
	n = send(c->socket, bytes->at, bytes->length, MSG_NOSIGNAL | MSG_DONTWAIT);
	return n >= 0 && (size_t)n == bytes->length;
}

static bool control_ask(struct control *c, const char *question)
{
	OWNED(drop_text) struct text bytes = { 0 };

	if (!c->open)
		return false;
	language_of(c)->ask(c->talk, question, &bytes);
	if (control_send(c, &bytes))
		return true;
	control_close(c);
	return false;
}

/* What was received before and not told yet. */
static enum news control_next(struct control *c)
{
	OWNED(drop_text) struct text bytes = { 0 };
	enum news news;

	if (!c->talk)
		return NEWS_NONE;
	news = language_of(c)->next(c->talk, &bytes);
	if (!control_send(c, &bytes))
		news = NEWS_CLOSED;
	c->open |= news == NEWS_OPEN;
	/* Somebody is there; where nobody greets, only a reply tells that. */
	if (news != NEWS_NONE && news != NEWS_CLOSED && (news != NEWS_OPEN || language_of(c)->greets))
		c->tell_at = never;
	if (news == NEWS_CLOSED)
		control_close(c);
	return news;
}

static bool control_receive(struct control *c)
{
	char buffer[4096];
	ssize_t n = recv(c->socket, buffer, sizeof(buffer), MSG_DONTWAIT);

	if (n > 0)
		language_of(c)->hear(c->talk, buffer, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static int64_t control_wake(const struct control *c, int64_t until)
{
	until = earlier(until, c->tell_at);
	return c->socket < 0 ? earlier(until, c->next_attempt) : until;
}

/* Sleeps until something happens or has to be done. */
static enum news control_poll(struct control *c, int64_t until)
{
	struct pollfd p[] = { { .fd = c->process, .events = POLLIN },
			      { .fd = c->socket, .events = POLLIN } };
	int64_t left = control_wake(c, until) - milliseconds_now();

	left = left < 0 ? 0 : earlier(left, 1000 * 1000);
	if (poll(p, 2, (int)left) <= 0)
		return NEWS_NONE;
	/* First what the hypervisor said: its last words come before its end. */
	if (p[1].revents && !control_receive(c)) {
		control_close(c);
		return NEWS_CLOSED;
	}
	return p[0].revents && !p[1].revents ? NEWS_ENDED : NEWS_NONE;
}

static void control_tell(struct control *c, enum told what)
{
	c->tell(c, what, c->error);
}

/* The next news, or NEWS_NONE at the time given. */
static enum news control_wait(struct control *c, int64_t until)
{
	enum news news = control_next(c);

	while (news == NEWS_NONE) {
		if (c->socket < 0 && milliseconds_now() >= c->next_attempt)
			control_connect(c);
		/* Where nobody greets, the connection is all there is to wait for. */
		news = control_next(c);
		if (news == NEWS_NONE)
			news = control_poll(c, until);
		if (news == NEWS_NONE)
			news = control_next(c);
		if (news == NEWS_NONE && milliseconds_now() >= c->tell_at) {
			control_tell(c, c->socket < 0 ? TOLD_ABSENT : TOLD_SILENT);
			c->tell_at = never;
		}
		if (milliseconds_now() >= until)
			break;
	}
	return news;
}

int control_wait_running(struct control *c)
{
	int64_t again = never;
	bool paused = false;

	for (;;) {
		enum news news = control_wait(c, again);

		if (news == NEWS_YES || news == NEWS_ENDED)
			return news == NEWS_YES ? 0 : -ESRCH;
		if (news == NEWS_NO && !paused)
			control_tell(c, TOLD_PAUSED);
		paused |= news == NEWS_NO;
		if (news == NEWS_NO || news == NEWS_NOT_YET)
			again = milliseconds_now() + STATUS_AGAIN;
		else if (news == NEWS_OPEN || news == NEWS_NONE)
			again = control_ask(c, c->hypervisor->ask_status)
					? milliseconds_now() + STATUS_LOST
					: never;
		else
			again = never;
	}
}

/* What has been told about a shutdown, each once. */
struct shutdown {
	bool asked, refused, ending;
};

static void shutdown_tell(struct control *c, enum news news, struct shutdown *s)
{
	if (news == NEWS_YES && !s->asked)
		control_tell(c, TOLD_ASKED);
	if (news == NEWS_NO && !s->refused)
		control_tell(c, TOLD_REFUSED);
	if (news == NEWS_ENDING && !s->ending)
		control_tell(c, TOLD_ENDING);
	s->asked |= news == NEWS_YES;
	s->refused |= news == NEWS_NO;
	s->ending |= news == NEWS_ENDING;
}

static char *last_reply(const struct control *c)
{
	const struct language *language = language_of(c);
	const char *text = c->talk && language->reply ? language->reply(c->talk) : NULL;

	return text ? text_copy(text) : NULL;
}

int control_question(struct control *c, const char *question, int64_t deadline, char **reply)
{
	for (;;) {
		enum news news = control_wait(c, deadline);

		if (news == NEWS_ENDED)
			return -ESRCH;
		if (news == NEWS_OPEN)
			(void)control_ask(c, question);
		if (news == NEWS_YES || news == NEWS_NO || news == NEWS_NOT_YET) {
			*reply = last_reply(c);
			return news == NEWS_YES || *reply ? 0 : -EREMOTEIO;
		}
		if (milliseconds_now() >= deadline)
			return -ETIMEDOUT;
	}
}

/* Nobody who does not read it is waited for. */
static void nudge(const struct control *c)
{
	const char key = c->hypervisor->nudge;

	if (key)
		(void)!write(c->console, &key, 1);
}

int control_power_off(struct control *c, int64_t deadline)
{
	struct shutdown told = { 0 };
	int64_t again = never;

	for (;;) {
		enum news news = control_wait(c, earlier(again, deadline));

		if (news == NEWS_ENDED)
			return 0;
		if (milliseconds_now() >= deadline)
			return -ETIMEDOUT;
		shutdown_tell(c, news, &told);
		if (news == NEWS_YES)
			nudge(c);
		if (told.ending) {
			/* From here on a lost connection is no news. */
			c->tell_at = again = never;
			continue;
		}
		if (news == NEWS_OPEN || (news == NEWS_NONE && milliseconds_now() >= again))
			again = control_ask(c, c->hypervisor->ask_poweroff)
					? milliseconds_now() + PRESS_AGAIN
					: never;
	}
}
