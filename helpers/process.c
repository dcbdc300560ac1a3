/* SPDX-License-Identifier: MIT */
#include "process.h"

#include "../common/owned.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum {
	OUTPUT_LIMIT = 128 * 1024, /* MAX_ARG_STRLEN */
	LOOK_EVERY = 2,		   /* milliseconds */
	ALONE_AFTER = 10 * 1000,
};

int main_process(int *ret)
{
	const char *text = getenv("MAINPID");
	long pid = text ? strtol(text, NULL, 10) : 0;
	int fd;

	if (pid <= 0)
		return -ESRCH;
	/* glibc has a wrapper from 2.36 on only. Always close-on-exec. */
	fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (fd < 0)
		return -errno;
	*ret = fd;
	return 0;
}

bool process_ended(int process)
{
	struct pollfd p = { .fd = process, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* The control group of this process in systemd's hierarchy: of cgroups(7) version 2, or the one of version 1 that
 * systemd has for itself. NULL where there is none; free() by the caller. */
static char *own_group(void)
{
	static const struct {
		const char *line, *folder;
	} hierarchies[] = { { "0::", "/sys/fs/cgroup" }, { "1:name=systemd:", "/sys/fs/cgroup/systemd" } };
	OWNED(drop_file) FILE *f = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];
	char *ret = NULL;

	while (f && fgets(line, sizeof(line), f))
		for (size_t i = 0; i < sizeof(hierarchies) / sizeof(*hierarchies); i++) {
			size_t n = strlen(hierarchies[i].line);

			if (strncmp(line, hierarchies[i].line, n) != 0)
				continue;
			line[strcspn(line, "\n")] = '\0';
			free(ret);
			ret = text_format("%s%s/cgroup.procs", hierarchies[i].folder, line + n);
		}
	return ret;
}

static bool is_alone(const char *group)
{
	OWNED(drop_file) FILE *f = fopen(group, "re");
	long pid;

	while (f && fscanf(f, "%ld", &pid) == 1)
		if (pid != getpid())
			return false;
	return true;
}

void unit_wait_alone(void)
{
	OWNED(drop_str) char *group = own_group();

	for (int left = ALONE_AFTER; group && left > 0 && !is_alone(group); left -= LOOK_EVERY)
		(void)usleep(LOOK_EVERY * 1000);
}

static int spawn_into(const char *program, const char *argument, int output, pid_t *ret)
{
	char *argv[] = { (char *)program, (char *)argument, NULL };
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn(ret, program, &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return -r;
}

static int read_all(int fd, struct text *ret)
{
	char buffer[4096];
	ssize_t n;

	do {
		n = read(fd, buffer, sizeof(buffer));
		if (n > 0)
			text_add_bytes(ret, buffer, (size_t)n);
		if (ret->length > OUTPUT_LIMIT)
			return -E2BIG;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int program_output(const char *program, const char *argument, struct text *ret)
{
	OWNED(drop_fd) int from = -1;
	OWNED(drop_fd) int to = -1;
	int ends[2], r, status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	from = ends[0];
	to = ends[1];
	r = spawn_into(program, argument, to, &pid);
	if (r < 0)
		return r;
	drop_fd(&to);
	to = -1;
	text_add(ret, "");
	r = read_all(from, ret);
	/* A program that still prints gets EPIPE instead of a reader. */
	drop_fd(&from);
	from = -1;
	status = wait_for(pid);
	return r < 0 ? r : status;
}
