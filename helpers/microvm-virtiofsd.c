/* SPDX-License-Identifier: MIT */
/* microvm-virtiofsd: ExecStart= of microvm-virtiofsd@NAME:TAG.service, which its socket starts
 * when the MicroVM's hypervisor connects. Becomes virtiofsd, and says afterwards what its end
 * means. */
#include "process.h"
#include "refusal.h"
#include "tell.h"
#include "../common/trusted-path.h"
#include "virtiofsd.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/arguments.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

static const char usage[] = "microvm-virtiofsd NAME TAG WORD..., "
			    "microvm-virtiofsd --ended NAME:TAG, "
			    "microvm-virtiofsd --not-configured NAME:TAG";

enum { SOCKET = 3 }; /* the first that systemd passes, sd_listen_fds(3) */

/* Where distributions have it; the C one last, which is no longer cared for. */
static const char *const programs[] = {
	"/usr/libexec/virtiofsd",
	"/usr/lib/virtiofsd",
	"/usr/lib/virtiofsd/virtiofsd",
	"/usr/local/libexec/virtiofsd",
	"/usr/bin/virtiofsd",
	"/usr/lib/qemu/virtiofsd",
};

/* Where one distribution has the program, another has a folder. */
static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static int find_program(const struct microvm *vm, const char **ret)
{
	const char *package = vm->virtiofsd.package;

	if (package && access(package, X_OK) < 0)
		return log_failure(-errno, "[virtiofsd] package: %s", package);
	*ret = package;
	for (size_t i = 0; !*ret && i < sizeof(programs) / sizeof(*programs); i++)
		if (is_program(programs[i]))
			*ret = programs[i];
	if (*ret)
		return EXIT_DONE;
	log_line(LEVEL_ERROR, "virtiofsd is not installed (on Debian 13: apt install virtiofsd, on "
			      "Debian 12: qemu-system-common); or set [virtiofsd] package to its "
			      "path");
	return EXIT_REFUSED;
}

static int find_kind(const char *program, enum virtiofsd_kind *ret)
{
	OWNED(drop_text) struct text version = { 0 };
	int r = program_output(program, "--version", &version);

	if (r < 0)
		return log_failure(r, "%s", program);
	*ret = r == 0 ? virtiofsd_kind_of(version.at) : VIRTIOFSD_UNKNOWN;
	if (*ret != VIRTIOFSD_UNKNOWN)
		return EXIT_DONE;
	log_line(LEVEL_ERROR, "%s --version says '%.*s', which is not what a virtiofsd says",
		 program, (int)strcspn(version.at, "\n"), version.at);
	return EXIT_REFUSED;
}

static int check_abilities(enum virtiofsd_kind kind, const char *program, const struct microvm *vm,
			   const struct share *share)
{
	const char *lacks = virtiofsd_lacks(kind, vm, share);

	if (!lacks)
		return EXIT_DONE;
	log_line(LEVEL_ERROR, "%s is the virtiofsd of qemu up to 7.2, which does not have %s; "
			      "install the newer one", program, lacks);
	return EXIT_REFUSED;
}

/* Opens the folder as a descriptor that the program inherits: a MicroVM's user owns its state
 * folder, and must not lead root from there to another one by a link. (Not as the working
 * directory, which the C virtiofsd leaves for "/" before it looks at a relative path.) */
static int open_source(const struct microvm *vm, const struct share *share, char **ret)
{
	OWNED(drop_found) struct found found = NOTHING_FOUND;
	OWNED(drop_str) char *source = share_source(vm, share);
	int r = path_find_folder(source, &found), fd;

	if (r == -ELOOP) {
		log_line(LEVEL_ERROR, "source %s: on the way is a link or folder that another user "
				      "than root may have put there; name the place itself", source);
		return EXIT_REFUSED;
	}
	if (r < 0)
		return log_failure(r, "source %s", source);
	fd = fcntl(found.file, F_DUPFD, SOCKET + 1);
	if (fd < 0)
		return log_failure(-errno, "source %s", source);
	*ret = text_format("/proc/self/fd/%d/.", fd);
	return EXIT_DONE;
}

static unsigned cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? (unsigned)n : 1;
}

static int become_virtiofsd(const struct microvm *vm, const struct share *share)
{
	OWNED(drop_words) struct words argv = { 0 };
	OWNED(drop_str) char *path = NULL;
	enum virtiofsd_kind kind = VIRTIOFSD_UNKNOWN;
	const char *program = NULL;
	int r = find_program(vm, &program);

	if (r == EXIT_DONE)
		r = find_kind(program, &kind);
	if (r == EXIT_DONE)
		r = check_abilities(kind, program, vm, share);
	if (r == EXIT_DONE)
		r = open_source(vm, share, &path);
	if (r != EXIT_DONE)
		return r;
	words_add(&argv, program);
	virtiofsd_command(kind, vm, share, path, cpus(), &argv);
	(void)execv(program, argv.at);
	return log_failure(-errno, "%s", program);
}

static const struct share *share_find(const struct microvm *vm, const char *tag)
{
	for (each(struct share, s, vm->shares))
		if (strcmp(s->section.id, tag) == 0 && s->source)
			return s;
	return NULL;
}

static int start(const char *name, const char *tag, char **words)
{
	OWNED(drop_microvm) struct microvm vm;
	int r = arguments_microvm(&vm, name, words);
	const struct share *share = share_find(&vm, tag);

	if (r != EXIT_DONE || !share)
		return log_usage(usage);
	return become_virtiofsd(&vm, share);
}

/* Who has connected already learns that there is nothing, and does not start us again. */
static int hang_up(int status)
{
	int fd = accept4(SOCKET, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	drop_fd(&fd);
	return status;
}

/* "killed by signal KILL" */
static char *end_of_service(const char *result)
{
	const char *how = getenv("EXIT_CODE"), *status = getenv("EXIT_STATUS");

	if (!how || !status)
		return text_format("failed (%s)", result);
	if (strcmp(how, "exited") == 0)
		return text_format("ended with exit status %s", status);
	return text_format("was ended by signal %s", status);
}

/* ExecStopPost=: an end with the hypervisor is a good one. */
static int ended(const char *instance)
{
	const char *result = getenv("SERVICE_RESULT");
	OWNED(drop_str) char *name = tell_name_of(instance), *how = NULL, *message = NULL;

	if (!result || strcmp(result, "success") == 0)
		return EXIT_DONE;
	how = end_of_service(result);
	message = text_format("virtiofsd of share %s %s: the guest has lost the share, and what uses "
			      "it there hangs until microvm@%s.service is restarted", instance, how, name);
	tell_microvm(name, "microvm-virtiofsd", message);
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	OWNED(drop_str) char *name = NULL;

	if (argc == 3 && strcmp(argv[1], "--ended") == 0)
		return ended(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--not-configured") == 0) {
		name = tell_name_of(argv[2]);
		return hang_up(refuse_not_configured(name));
	}
	if (argc < 4 || *argv[1] == '-')
		return log_usage(usage);
	return hang_up(start(argv[1], argv[2], argv + 3));
}
