/* SPDX-License-Identifier: MIT */
#include "run-program.h"

#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_EVERY = 250 }; /* milliseconds */

extern char **environ;

static void drop_actions(posix_spawn_file_actions_t *actions)
{
	(void)posix_spawn_file_actions_destroy(actions);
}

/* A file in memory, read from its begin. */
static int file_of_text(const char *text)
{
	size_t length = strlen(text);
	int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (pwrite(fd, text, length, 0) != (ssize_t)length) {
		(void)close(fd);
		return -EIO;
	}
	return fd;
}

/* Until the program ends. */
static void watch_over(pid_t pid, const struct program_watch *watch)
{
	OWNED(drop_fd) int end = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = end, .events = POLLIN };
	int n = 0;

	while (end >= 0 && (n == 0 || (n < 0 && errno == EINTR))) {
		n = poll(&p, 1, LOOK_EVERY);
		if (n == 0)
			watch->look(pid, watch->arg);
	}
}

static int wait_for(pid_t pid)
{
	int status;

	/* A signal that asks us to end reaches the program too: its end is what matters here. */
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int program_run_watched(const struct words *argv, const char *input, int given,
			const struct program_watch *watch)
{
	OWNED(drop_actions) posix_spawn_file_actions_t actions;
	OWNED(drop_fd) int in = -1;
	pid_t pid;
	int r;

	(void)posix_spawn_file_actions_init(&actions);
	in = input ? file_of_text(input) : open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return input ? in : -errno;
	r = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY,
						     0);
	if (r == 0 && given >= 0)
		r = posix_spawn_file_actions_adddup2(&actions, given, 3);
	if (r == 0)
		r = posix_spawnp(&pid, argv->at[0], &actions, NULL, argv->at, environ);
	if (r == 0 && watch)
		watch_over(pid, watch);
	return r > 0 ? -r : wait_for(pid);
}

int program_run(const struct words *argv, const char *input, int given)
{
	return program_run_watched(argv, input, given, NULL);
}

char *program_failure(int r, const char *program, const char *package)
{
	if (r == -ENOENT)
		return text_format("%s is not installed (Debian's package %s has it)", program, package);
	if (r < 0)
		return text_format("%s: %s", program, strerror(-r));
	if (r > 128)
		return text_format("%s was ended by a signal (%s)", program, strsignal(r - 128));
	return r > 0 ? text_format("%s failed with exit code %d", program, r) : NULL;
}
