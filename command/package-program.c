/* SPDX-License-Identifier: MIT */
#include "package-program.h"

#include "package-links.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/package.h"

#include <errno.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* By root's own link and folders: what the start has noted for others is the MicroVM's user's to
 * write. */
static int booted_find(const char *name, char **ret)
{
	OWNED(drop_str) char *booted = package_link_read(name, "booted");
	int r = booted ? package_find("", booted, ret) : -ENOENT;

	return r < 0 ? log_failure(r, "the package that %s was started with", name) : EXIT_DONE;
}

static int become(const char *name, const char *program, const char *argument,
		  const struct stat *owner)
{
	OWNED(drop_str) char *folder = text_format("/var/lib/microvms/%s", name);

	/* As long as we may: the folder that it is in is closed to all others. */
	if (chdir(folder) < 0)
		return log_failure(-errno, "%s", folder);
	if (setgroups(0, NULL) < 0 || setresgid(owner->st_gid, owner->st_gid, owner->st_gid) < 0 ||
	    setresuid(owner->st_uid, owner->st_uid, owner->st_uid) < 0)
		return log_failure(-errno, "cannot become the user of %s", name);
	(void)execl(program, program, argument, NULL);
	return log_failure(-errno, "%s", program);
}

static int wait_end(pid_t pid, const char *program)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return log_failure(-errno, "%s", program);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return EXIT_DONE;
	log_line(LEVEL_ERROR, "%s has failed", program);
	return EXIT_REFUSED;
}

int package_program(const char *name, const char *program, const char *argument)
{
	OWNED(drop_str) char *dir = text_format("/run/microvm/%s", name);
	OWNED(drop_str) char *package = NULL;
	OWNED(drop_str) char *path = NULL;
	struct stat owner;
	pid_t pid;
	int r = booted_find(name, &package);

	if (r != EXIT_DONE)
		return r;
	path = text_format("%s/%s", package, program);
	if (access(path, X_OK) < 0) {
		log_line(LEVEL_ERROR, "the package of %s has no %s", name, program);
		return EXIT_REFUSED;
	}
	if (stat(dir, &owner) < 0)
		return log_failure(-errno, "%s", dir);
	pid = fork();
	if (pid < 0)
		return log_failure(-errno, "cannot make a process");
	if (pid == 0)
		_exit(become(name, path, argument, &owner));
	return wait_end(pid, path);
}
