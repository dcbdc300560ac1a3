/* SPDX-License-Identifier: MIT */
#include "guest.h"

#include "notify.h"
#include "state.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../hypervisors/control.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <linux/vm_sockets.h>

enum {
	TALKS = 16,
	MESSAGE = 8192,	      /* bytes; what is longer is cut */
	SHOWN = 200,	      /* bytes of the guest's words in a message for people */
	STRANGERS = 8,	      /* that are told of */
	SILENT_LONG = 10000,  /* milliseconds until a connection without a word is closed */
	QUIET_LONG = 250,     /* cloud-hypervisor before 53 keeps the end of a message for itself */
};

struct talk {
	int fd; /* -1: free */
	struct text heard;
	int64_t until;
};

struct guest {
	const struct microvm *vm;
	const char *dir;
	struct notify notify;
	int process, signals;
	uint32_t cid; /* 0: not known yet */
	unsigned strangers;
	struct talk talks[TALKS];
	bool up;
	char *last; /* of what it told */
};

static void drop_guest(struct guest *g)
{
	for (size_t i = 0; i < TALKS; i++) {
		drop_fd(&g->talks[i].fd);
		drop_text(&g->talks[i].heard);
	}
	drop_notify(&g->notify);
	drop_fd(&g->signals);
	free(g->last);
}

static const char *behind(const char *line, const char *start)
{
	size_t n = strlen(start);

	return strncmp(line, start, n) == 0 ? line + n : NULL;
}

static void remember(struct guest *g, const char *what)
{
	OWNED(drop_text) struct text t = { 0 };
	OWNED(drop_str) char *some = text_format("%.*s", SHOWN, what);

	text_add_shown(&t, some);
	free(g->last);
	g->last = MOVE(t.at);
}

static void judge_unit(struct guest *g, const char *unit)
{
	remember(g, unit);
	/* It says READY=1 there too. */
	if (strcmp(unit, "emergency.target") == 0 || strcmp(unit, "rescue.target") == 0)
		log_line(LEVEL_WARNING, "the guest's boot has failed: it is at its %s; see its console", unit);
}

static void judge_line(struct guest *g, const char *line)
{
	const char *status = behind(line, "STATUS="), *unit = behind(line, "X_SYSTEMD_UNIT_ACTIVE=");

	g->up |= strcmp(line, "READY=1") == 0;
	if (status && *status)
		remember(g, status);
	if (unit)
		judge_unit(g, unit);
}

/* The guest waits for the end of each of its connections. */
static void talk_end(struct guest *g, struct talk *t)
{
	char *left = t->heard.at, *line;

	while ((line = strsep(&left, "\n")))
		judge_line(g, line);
	drop_fd(&t->fd);
	drop_text(&t->heard);
	*t = (struct talk){ .fd = -1 };
}

static void talk_hear(struct guest *g, struct talk *t)
{
	char buffer[MESSAGE];
	ssize_t n = recv(t->fd, buffer, sizeof(buffer) - t->heard.length, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		text_add_bytes(&t->heard, buffer, (size_t)n);
	t->until = milliseconds_now() + QUIET_LONG;
	if (n <= 0 || t->heard.length == MESSAGE)
		talk_end(g, t);
}

/* The start notes it before there is a guest that could connect. */
static uint32_t read_cid(const struct guest *g)
{
	OWNED(drop_microvm) struct microvm noted = { 0 };
	struct problems problems = { 0 };
	int r;

	microvm_init(&noted, g->vm->name);
	r = state_read(g->dir, &noted, &problems);
	drop_problems(&problems);
	return r == 0 && noted.vsock.cid ? (uint32_t)strtoul(noted.vsock.cid, NULL, 10) : 0;
}

/* Behind a Unix socket only the MicroVM's own user comes, for whom alone its folder is open. */
static bool is_guest(struct guest *g, const struct sockaddr_vm *peer)
{
	if (peer->svm_family != AF_VSOCK)
		return true;
	if (!g->cid)
		g->cid = read_cid(g);
	if (g->cid && peer->svm_cid == g->cid)
		return true;
	if (g->strangers++ < STRANGERS)
		log_line(LEVEL_WARNING, "who tells that the guest is up has cid %u, and the guest has %u: not heard",
			 peer->svm_cid, g->cid);
	return false;
}

static struct talk *free_talk(struct guest *g)
{
	for (size_t i = 0; i < TALKS; i++)
		if (g->talks[i].fd < 0)
			return &g->talks[i];
	return NULL;
}

static void accept_talk(struct guest *g)
{
	union {
		struct sockaddr_storage room;
		struct sockaddr_vm vm;
	} peer = { 0 };
	socklen_t size = sizeof(peer);
	OWNED(drop_fd) int fd = accept4(g->notify.socket, (struct sockaddr *)&peer, &size,
					SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct talk *t = free_talk(g);

	if (fd < 0 || !is_guest(g, &peer.vm))
		return;
	*t = (struct talk){ .fd = MOVE_FD(fd), .until = milliseconds_now() + SILENT_LONG };
}

enum { AT_PROCESS, AT_SIGNALS, AT_SOCKET, AT_TALKS };

static int poll_all(struct guest *g, struct pollfd p[AT_TALKS + TALKS])
{
	int64_t now = milliseconds_now(), wake = INT64_MAX;

	p[AT_PROCESS].fd = g->process;
	p[AT_SIGNALS].fd = g->signals;
	p[AT_SOCKET].fd = free_talk(g) ? g->notify.socket : -1;
	for (size_t i = 0; i < TALKS; i++) {
		p[AT_TALKS + i].fd = g->talks[i].fd;
		if (g->talks[i].fd >= 0 && g->talks[i].until < wake)
			wake = g->talks[i].until;
	}
	for (size_t i = 0; i < AT_TALKS + TALKS; i++)
		p[i].events = POLLIN;
	return poll(p, AT_TALKS + TALKS, wake == INT64_MAX ? -1 : wake > now ? (int)(wake - now) : 0);
}

/* Whether anything was said. */
static bool hear_all(struct guest *g, const struct pollfd *p)
{
	int64_t now = milliseconds_now();
	bool heard = p[AT_SOCKET].revents;

	for (size_t i = 0; i < TALKS; i++) {
		struct talk *t = &g->talks[i];

		heard |= p[AT_TALKS + i].revents != 0;
		if (p[AT_TALKS + i].revents)
			talk_hear(g, t);
		else if (t->fd >= 0 && t->until <= now)
			talk_end(g, t);
	}
	if (p[AT_SOCKET].revents)
		accept_talk(g);
	return heard;
}

/* 0, -ESRCH when the hypervisor has ended, -EINTR by SIGTERM. */
static int wait_up(struct guest *g)
{
	while (!g->up) {
		struct pollfd p[AT_TALKS + TALKS] = { 0 };
		bool heard;

		if (poll_all(g, p) < 0 && errno != EINTR)
			return -errno;
		heard = hear_all(g, p);
		if (g->up)
			break;
		if (p[AT_SIGNALS].revents)
			return -EINTR;
		/* First what the guest said: its last words come before its end. */
		if (p[AT_PROCESS].revents && !heard)
			return -ESRCH;
	}
	return 0;
}

/* systemd counts from a moment before we were there. */
static bool is_over(const struct guest *g, int64_t took)
{
	const int64_t time = (int64_t)(g->vm->startup_timeout / 1000);

	return took >= time - time / 10;
}

/* systemd sends the signal when the time is over or, before that, for a stop, which is no failure. */
static int tell_ended(const struct guest *g, int64_t took)
{
	bool late = is_over(g, took);

	log_line(late ? LEVEL_ERROR : LEVEL_NOTICE,
		 "the guest has not told in %" PRId64 " s that it is up (READY=1 over vsock); %s%s",
		 (took + 500) / 1000,
		 g->last ? "the last that it told: "
			 : "it has told nothing: its systemd has to be 254 or later, and its kernel has to have "
			   "the driver of vsock (vmw_vsock_virtio_transport)",
		 g->last ? g->last : "");
	return late ? -ETIMEDOUT : -EINTR;
}

static int catch_end(struct guest *g)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	g->signals = signalfd(-1, &set, SFD_CLOEXEC);
	return g->signals < 0 ? -errno : 0;
}

int guest_await(const struct microvm *vm, const char *dir, int process)
{
	OWNED(drop_guest) struct guest g = { .vm = vm, .dir = dir, .process = process, .signals = -1 };
	const int64_t began = milliseconds_now();
	int64_t took;
	int r;

	g.notify.socket = -1;
	for (size_t i = 0; i < TALKS; i++)
		g.talks[i].fd = -1;
	r = catch_end(&g);
	if (r == 0)
		r = notify_listen(vm, dir, &g.notify);
	if (r == 0)
		r = wait_up(&g);
	took = milliseconds_now() - began;
	if (r == 0)
		log_line(LEVEL_INFO, "the guest is up after %" PRId64 " ms", took);
	/* The hypervisor gets its signal before us. */
	if (r == -EINTR || (r == -ESRCH && is_over(&g, took)))
		return tell_ended(&g, took);
	return r;
}
