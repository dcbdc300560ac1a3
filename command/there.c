/* SPDX-License-Identifier: MIT */
#include "there.h"

#include "screen.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../helpers/run-program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { NOT_FOUND = 127 }; /* what a shell says of a command */

static volatile sig_atomic_t ssh = -1, rsync = -1;

/* What runs ends with us: a terminal's Ctrl-C reaches all, another signal us alone. */
static void end_children(int signal)
{
	(void)signal;
	if (rsync > 0)
		(void)kill((pid_t)rsync, SIGTERM);
	if (ssh > 0)
		(void)kill((pid_t)ssh, SIGTERM);
}

static void catch_signals(void)
{
	const struct sigaction ends = { .sa_handler = end_children };

	(void)sigaction(SIGINT, &ends, NULL);
	(void)sigaction(SIGTERM, &ends, NULL);
	(void)sigaction(SIGHUP, &ends, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

static void drop_actions(posix_spawn_file_actions_t *actions)
{
	(void)posix_spawn_file_actions_destroy(actions);
}

static void drop_attributes(posix_spawnattr_t *attributes)
{
	(void)posix_spawnattr_destroy(attributes);
}

/* IN and OUT become its standard input and output. Returns 0 or -errno. */
static int program_start(const struct words *argv, int in, int out, pid_t *ret)
{
	OWNED(drop_actions) posix_spawn_file_actions_t actions;
	OWNED(drop_attributes) posix_spawnattr_t attributes;
	sigset_t usual;
	int r;

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawnattr_init(&attributes);
	(void)sigemptyset(&usual);
	(void)sigaddset(&usual, SIGPIPE);
	(void)posix_spawnattr_setsigdefault(&attributes, &usual);
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	r = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawnp(ret, argv->at[0], &actions, &attributes, argv->at, environ);
	return -r;
}

/* Returns its exit status, or 128 and the signal that ended it. */
static int program_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void ssh_command(const struct there *t, const struct words *command, struct words *ret)
{
	words_add(ret, "ssh");
	words_add(ret, "-T");
	words_add(ret, "-oRemoteCommand=none");
	words_add(ret, "-oControlMaster=yes");
	words_add(ret, "-oControlPersist=no");
	words_addf(ret, "-oControlPath=%s", t->socket);
	words_add(ret, "--");
	words_add(ret, t->host);
	words_add_all(ret, command);
}

static int tell(int r, const char *program, const char *package)
{
	OWNED(drop_str) char *failure = program_failure(r, program, package);

	return failure ? log_refusal("%s", failure) : EXIT_DONE;
}

static int connect_to(struct there *t, const struct words *command)
{
	OWNED(drop_words) struct words argv = { 0 };
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, r = 0;

	ssh_command(t, command, &argv);
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		r = -errno;
	if (r == 0)
		r = program_start(&argv, in[0], out[1], &t->ssh);
	drop_fd(&in[0]);
	drop_fd(&out[1]);
	t->to = in[1] >= 0 ? fdopen(in[1], "w") : NULL;
	t->from = out[0] >= 0 ? fdopen(out[0], "r") : NULL;
	ssh = r < 0 ? -1 : t->ssh;
	t->ssh = ssh;
	return r < 0 ? tell(r, "ssh", "openssh-client") : EXIT_DONE;
}

int there_begin(const char *host, const struct words *command, struct there *ret)
{
	char folder[] = "/tmp/microvm-deploy-XXXXXX";

	catch_signals();
	*ret = NOT_THERE;
	if (!mkdtemp(folder))
		return log_failure(-errno, "%s", folder);
	ret->host = host;
	ret->folder = text_copy(folder);
	ret->socket = text_format("%s/ssh", folder);
	return connect_to(ret, command);
}

/* The name of the host does not matter to who goes along; should the connection be gone there is no
 * other. What rsync makes on its way there is for all to read, whatever root has as a umask. */
static void rsync_command(const struct there *t, const struct words *options,
			  const struct words *paths, const char *folder, struct words *ret)
{
	words_add(ret, "rsync");
	words_addf(ret, "--rsh=ssh -S %s -oControlMaster=no -oProxyCommand=false", t->socket);
	words_add(ret, "--rsync-path=umask 022; rsync");
	words_add(ret, "--secluded-args");
	words_add(ret, "--sparse");
	if (screen_is_terminal())
		words_add(ret, "--info=progress2");
	words_add_all(ret, options);
	words_add(ret, "--");
	words_add_all(ret, paths);
	words_addf(ret, "there:%s", folder);
}

int there_send(const struct there *t, const struct words *options, const struct words *paths,
	       const char *folder)
{
	OWNED(drop_words) struct words argv = { 0 };
	pid_t pid;
	int r;

	rsync_command(t, options, paths, folder, &argv);
	r = program_start(&argv, STDIN_FILENO, STDOUT_FILENO, &pid);
	if (r == 0) {
		rsync = pid;
		r = program_wait(pid);
		rsync = -1;
	}
	return tell(r, "rsync", "rsync");
}

int there_end(struct there *t)
{
	int r;

	if (t->to)
		(void)fclose(MOVE(t->to));
	r = program_wait(MOVE_FD(t->ssh));
	ssh = -1;
	if (r == NOT_FOUND)
		return log_refusal("%s has no microvm (the package microvm-host has it)", t->host);
	return r == EXIT_DONE ? EXIT_DONE : EXIT_REFUSED;
}

void drop_there(struct there *t)
{
	if (t->ssh > 0)
		(void)there_end(t);
	drop_file(&t->to);
	drop_file(&t->from);
	if (t->folder)
		(void)rmdir(t->folder);
	free(t->folder);
	free(t->socket);
	*t = NOT_THERE;
}
