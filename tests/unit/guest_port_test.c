/* SPDX-License-Identifier: MIT */
/* Ports of a guest whose hypervisor has them behind a Unix socket, against a stand-in for it: it answers in pieces, late,
 * wrongly or never, hangs up, or is gone. */
#include "common/owned.h"
#include "common/text.h"
#include "hypervisors/control.h"
#include "hypervisors/guest-port.h"
#include "result.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 2000 }; /* milliseconds */

static char folder[] = "/tmp/guest-port-test-XXXXXX";

static const struct talk {
	const char *name;
	const char *pieces[8];
	unsigned pause; /* before each, in milliseconds */
	int result;	/* 0: connected */
	bool hangs_up;	/* behind the last piece */
} talks[] = {
	{ "an answer", { "OK 1073741824\n" }, 0, 0, false },
	{ "an answer in pieces", { "O", "K", " ", "10", "7", "\n" }, 20, 0, false },
	{ "an answer that is late", { "OK 5\n" }, 300, 0, false },
	{ "the guest's first words with it", { "OK 4294967295\nSSH-2.0" }, 0, 0, true },
	{ "no answer", { NULL }, 0, -ETIMEDOUT, false },
	{ "an answer without end", { "OK 1" }, 0, -ETIMEDOUT, false },
	{ "nobody in the guest", { NULL }, 0, -ECONNREFUSED, true },
	{ "the end in mid answer", { "OK 1" }, 0, -EPROTO, true },
	{ "another answer", { "NO 1\n" }, 0, -EPROTO, false },
	{ "an empty answer", { "\n" }, 0, -EPROTO, false },
	{ "an answer that is too long", { "OK 42949672950\n" }, 0, -EPROTO, false },
	{ "another protocol", { "HTTP/1.1 400 Bad Request\r\n\r\n" }, 0, -EPROTO, true },
};

static void pause_for(unsigned milliseconds)
{
	const struct timespec t = { milliseconds / 1000, (long)(milliseconds % 1000) * 1000000 };

	(void)nanosleep(&t, NULL);
}

static int listen_here(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/vsock.sock", folder);
	(void)unlink(address.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0)
		exit(1);
	return fd;
}

/* Exit status 0: it was asked as it should be. */
static void answer(int listener, const struct talk *t)
{
	char asked[32] = "";
	int fd = accept(listener, NULL, NULL);

	if (read(fd, asked, sizeof(asked) - 1) < 0 || strcmp(asked, "CONNECT 22\n") != 0)
		_exit(1);
	for (size_t i = 0; t->pieces[i]; i++) {
		pause_for(t->pause);
		(void)!write(fd, t->pieces[i], strlen(t->pieces[i]));
	}
	if (!t->hangs_up)
		(void)!read(fd, asked, 1);
	_exit(0);
}

static void check_first_words(int fd, const struct talk *t)
{
	const char *rest = strchr(t->pieces[0], '\n');
	char read_here[16] = "";

	if (!rest || !rest[1])
		return;
	ok(recv(fd, read_here, sizeof(read_here) - 1, MSG_WAITALL) > 0, "something is left");
	equal(read_here, rest + 1, "all that the guest says");
}

static void check_talk(const struct microvm *vm, const struct talk *t)
{
	OWNED(drop_fd) int listener = listen_here();
	const int64_t began = milliseconds_now();
	pid_t child = fork();
	int status, r;

	if (child == 0)
		answer(listener, t);
	r = guest_port_connect(vm, folder, 22, PATIENCE);
	ok(t->result == 0 ? r >= 0 : r == t->result, t->name);
	ok((r == -ETIMEDOUT) == (milliseconds_now() - began >= PATIENCE), "in its time");
	if (r >= 0) {
		check_first_words(r, t);
		(void)close(r);
	}
	ok(waitpid(child, &status, 0) == child && status == 0, "asked for the port");
}

static void check_gone(const struct microvm *vm)
{
	OWNED(drop_str) char *path = text_format("%s/vsock.sock", folder);
	int fd = listen_here();

	(void)close(fd);
	ok(guest_port_connect(vm, folder, 22, PATIENCE) == -ECONNREFUSED, "a hypervisor that is gone");
	(void)unlink(path);
	ok(guest_port_connect(vm, folder, 22, PATIENCE) == -ENOENT, "a socket that is gone");
}

int main(void)
{
	OWNED(drop_microvm) struct microvm vm;

	(void)alarm(60);
	(void)signal(SIGPIPE, SIG_IGN);
	microvm_init(&vm, "web");
	vm.hypervisor = HYPERVISOR_FIRECRACKER;
	if (!mkdtemp(folder))
		return 1;
	ok(guest_port_connect(&vm, folder, 22, PATIENCE) == -EOPNOTSUPP, "no vsock");
	vm.vsock.cid = text_copy("3");
	for (size_t i = 0; i < sizeof(talks) / sizeof(*talks); i++)
		check_talk(&vm, &talks[i]);
	check_gone(&vm);
	(void)rmdir(folder);
	return finish();
}
