/* SPDX-License-Identifier: MIT */
/* microvm-console: microvm-console@.service, which "microvm console" starts. Shows all who are attached
 * what the guest shows, and types what they type. It is there as long as they are, and the hypervisor
 * is: when either has left it ends. Root, because the MicroVM's runtime folder is its user's alone. */
#include "console.h"

#include "manager.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum {
	CLIENTS = 32,
	BACKLOG = 1 << 20, /* bytes that one who reads slowly may be behind */
	CHUNK = 4096,
	LOOK_EVERY = 20,   /* milliseconds, for who is not there yet */
	LOOK_TIMES = 500,  /* for the first client */
	FLUSH = 1000,	   /* milliseconds, for the last words to be taken */
};

struct client {
	int fd; /* -1: nobody */
	struct text behind; /* what it has not taken yet */
	size_t missed;      /* bytes that it will not see */
};

struct hub {
	char *dir; /* of the MicroVM */
	int listener, copy, typed;
	struct client clients[CLIENTS];
	size_t count;
	bool visited; /* somebody has been here */
	unsigned looked; /* for somebody, in vain */
	char keys[CHUNK]; /* typed, and not taken by the guest yet */
	size_t key_count;
};

static void drop_hub(struct hub *h)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		drop_fd(&h->clients[i].fd);
		drop_text(&h->clients[i].behind);
	}
	drop_fd(&h->listener);
	drop_fd(&h->copy);
	drop_fd(&h->typed);
	free(h->dir);
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	OWNED(drop_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	if (fd < 0 || (unlink(path) < 0 && errno != ENOENT) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, CLIENTS) < 0)
		return -errno;
	return MOVE_FD(fd);
}

/* The folder is the MicroVM's user's, who could have put anything there. */
static int open_fifo(int dir, const char *name, int flags)
{
	OWNED(drop_fd) int fd = openat(dir, name, flags | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISFIFO(st.st_mode) ? MOVE_FD(fd) : -EINVAL;
}

static bool is_connected(const struct hub *h)
{
	return h->copy >= 0 && h->typed >= 0;
}

/* The hypervisor waits for this, if it has not started yet; so what comes second is the copy. */
static int hub_connect(struct hub *h)
{
	OWNED(drop_fd) int dir = open(h->dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return -errno;
	if (h->typed < 0)
		h->typed = open_fifo(dir, CONSOLE_TYPED, O_WRONLY);
	if (h->typed < 0)
		return h->typed;
	h->copy = open_fifo(dir, CONSOLE_COPY, O_RDONLY);
	return h->copy < 0 ? h->copy : 0;
}

static void client_leave(struct hub *h, struct client *c)
{
	drop_fd(&c->fd);
	drop_text(&c->behind);
	*c = (struct client){ .fd = -1 };
	h->count--;
}

static void hub_accept(struct hub *h)
{
	OWNED(drop_fd) int fd = accept4(h->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	for (size_t i = 0; i < CLIENTS && fd >= 0; i++) {
		if (h->clients[i].fd >= 0)
			continue;
		h->clients[i].fd = MOVE_FD(fd);
		h->count++;
		h->visited = true;
	}
}

static void client_send(struct hub *h, struct client *c)
{
	ssize_t n = send(c->fd, c->behind.at, c->behind.length, MSG_NOSIGNAL | MSG_DONTWAIT);
	struct text rest = { 0 };

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		client_leave(h, c);
	if (n <= 0)
		return;
	text_add_bytes(&rest, c->behind.at + n, c->behind.length - (size_t)n);
	drop_text(&c->behind);
	c->behind = rest;
}

/* Nobody's slowness stops the guest, or the others. */
static void client_show(struct hub *h, struct client *c, const char *bytes, size_t n)
{
	if (c->behind.length + n > BACKLOG) {
		c->missed += n;
		return;
	}
	if (c->missed > 0)
		text_addf(&c->behind, "\r\n[%zu bytes are not shown]\r\n", c->missed);
	c->missed = 0;
	text_add_bytes(&c->behind, bytes, n);
	client_send(h, c);
}

/* Returns false when the hypervisor has ended. */
static bool hub_show(struct hub *h)
{
	char bytes[CHUNK];
	ssize_t n = read(h->copy, bytes, sizeof(bytes));

	for (size_t i = 0; i < CLIENTS && n > 0; i++)
		if (h->clients[i].fd >= 0)
			client_show(h, &h->clients[i], bytes, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void hub_type(struct hub *h)
{
	ssize_t n = write(h->typed, h->keys, h->key_count);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		n = (ssize_t)h->key_count; /* nobody is there to read it */
	if (n <= 0)
		return;
	h->key_count -= (size_t)n;
	memmove(h->keys, h->keys + n, h->key_count);
}

static void client_hear(struct hub *h, struct client *c)
{
	ssize_t n = h->key_count == 0 ? recv(c->fd, h->keys, sizeof(h->keys), MSG_DONTWAIT) : 0;

	if (n > 0)
		h->key_count = (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		client_leave(h, c);
	if (n > 0 && is_connected(h))
		hub_type(h);
}

/* What a guest has not read yet is all that is waited with. */
static short events_of(const struct hub *h, const struct client *c)
{
	return (short)((h->key_count == 0 ? POLLIN : 0) | (c->behind.length > 0 ? POLLOUT : 0));
}

/* What one types waits for what another has typed; who has left is not waited for. */
static bool wants_hearing(const struct hub *h, short revents)
{
	return revents & (h->key_count == 0 ? ~POLLOUT : POLLHUP | POLLERR);
}

enum { LISTENER, COPY, TYPED, FIRST };

static int hub_poll(struct hub *h, struct pollfd p[])
{
	int patience = is_connected(h) && h->visited ? -1 : LOOK_EVERY;

	p[LISTENER] = (struct pollfd){ .fd = h->listener, .events = POLLIN };
	p[COPY] = (struct pollfd){ .fd = h->copy, .events = POLLIN };
	p[TYPED] = (struct pollfd){ .fd = h->typed, .events = h->key_count > 0 ? POLLOUT : 0 };
	for (size_t i = 0; i < CLIENTS; i++)
		p[FIRST + i] = (struct pollfd){ .fd = h->clients[i].fd,
						.events = events_of(h, &h->clients[i]) };
	return poll(p, FIRST + CLIENTS, patience);
}

/* Returns false when it is over. */
static bool hub_turn(struct hub *h)
{
	struct pollfd p[FIRST + CLIENTS];
	bool alive = true;
	int n = hub_poll(h, p);

	if (n < 0)
		return errno == EINTR;
	if (!h->visited && h->looked++ == LOOK_TIMES)
		return false;
	if (!is_connected(h))
		(void)hub_connect(h);
	/* Without a reader for what is typed there is no hypervisor any more. */
	if (p[COPY].revents)
		alive = hub_show(h);
	else if (p[TYPED].revents & POLLERR)
		return false;
	if (p[TYPED].revents & POLLOUT)
		hub_type(h);
	for (size_t i = 0; i < CLIENTS; i++) {
		if (p[FIRST + i].revents & POLLOUT)
			client_send(h, &h->clients[i]);
		if (wants_hearing(h, p[FIRST + i].revents) && h->clients[i].fd >= 0)
			client_hear(h, &h->clients[i]);
	}
	if (p[LISTENER].revents)
		hub_accept(h);
	return alive && (h->count > 0 || !h->visited);
}

static void hub_flush(struct hub *h)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *c = &h->clients[i];
		struct pollfd p = { .fd = c->fd, .events = POLLOUT };

		while (c->fd >= 0 && c->behind.length > 0 && poll(&p, 1, FLUSH) == 1)
			client_send(h, c);
	}
}

static int serve(const char *name)
{
	const char *runtime = getenv("RUNTIME_DIRECTORY");
	OWNED(drop_str) char *socket = text_format("%s/" CONSOLE_SOCKET, runtime ? runtime : "");
	OWNED(drop_hub) struct hub h = { .listener = -1, .copy = -1, .typed = -1 };

	for (size_t i = 0; i < CLIENTS; i++)
		h.clients[i].fd = -1;
	if (!runtime) {
		log_line(LEVEL_ERROR, "there is no $RUNTIME_DIRECTORY to listen in");
		return EXIT_CALLED_WRONGLY;
	}
	h.dir = text_format("/run/microvm/%s", name);
	h.listener = listen_at(socket);
	if (h.listener < 0)
		return log_failure(h.listener, "%s", socket);
	manager_tell("READY=1");
	while (hub_turn(&h))
		;
	hub_flush(&h);
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	if (argc != 2 || *argv[1] == '-')
		return log_usage("microvm-console NAME");
	return serve(argv[1]);
}
