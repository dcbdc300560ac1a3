/* SPDX-License-Identifier: MIT */
/* microvm-run: ExecStart= of microvm@.service. Becomes the hypervisor, as the MicroVM's own user and
 * without capabilities, and leaves no process of its own behind. */
#include "attach.h"
#include "hold.h"
#include "process.h"
#include "refusal.h"
#include "state.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/arguments.h"
#include "../config/identity.h"
#include "../hypervisors/hypervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static const char usage[] = "microvm-run [--print] NAME [SECTION[.ID].KEY=VALUE...], "
			    "microvm-run --not-configured NAME, microvm-run --broken NAME LINE...";

struct start {
	struct microvm vm;
	const struct hypervisor *hypervisor;
	char *program;
	char *control;
	char *dir; /* the runtime folder */
	struct words extra; /* of extraArgsScript */
	struct words argv;
	struct holds holds;
	struct attached attached;
};

static void drop_start(struct start *s)
{
	drop_microvm(&s->vm);
	free(s->program);
	free(s->control);
	free(s->dir);
	drop_words(&s->extra);
	drop_words(&s->argv);
	drop_holds(&s->holds);
	drop_attached(&s->attached);
}

static int read_words(struct start *s, const char *name, char **words)
{
	struct problems problems = { 0 };
	int r;

	microvm_init(&s->vm, name);
	r = arguments_read(&s->vm, words, &problems);
	for (size_t i = 0; i < problems.errors.count; i++)
		log_line(LEVEL_ERROR, "%s", problems.errors.at[i]);
	drop_problems(&problems);
	s->hypervisor = hypervisors[s->vm.hypervisor];
	s->dir = runtime_dir(name);
	s->control = microvm_socket(&s->vm);
	if (r == 0 && !s->hypervisor)
		log_line(LEVEL_ERROR, "this version does not have the hypervisor");
	return r == 0 && s->hypervisor ? 0 : EXIT_CALLED_WRONGLY;
}

/* Where PATH has the program, or NULL; free() by the caller. */
static char *find_in_path(const char *program)
{
	const char *path = getenv("PATH");

	for (path = path ? path : "/usr/local/bin:/usr/bin:/bin"; *path;) {
		size_t n = strcspn(path, ":");
		OWNED(drop_str) char *candidate = text_format("%.*s/%s", (int)n, path, program);

		if (n > 0 && access(candidate, X_OK) == 0)
			return MOVE(candidate);
		path += n + (path[n] == ':');
	}
	return NULL;
}

static int find_program(struct start *s)
{
	const struct hypervisor *h = s->hypervisor;
	const char *package = h->package(&s->vm);

	if (package && access(package, X_OK) < 0)
		return log_failure(-errno, "[%s] package: %s", h->name, package);
	s->program = package ? text_copy(package) : find_in_path(h->program);
	if (s->program)
		return 0;
	log_line(LEVEL_ERROR, "%s is not installed (on Debian: apt install %s); or set [%s] package to "
		 "its path", h->program, h->debian, h->name);
	return EXIT_REFUSED;
}

/* 0 or -errno. Opening tells more than access(2): a device cgroup and a module that is missing too. */
static int try_kvm(void)
{
	OWNED(drop_fd) int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : 0;
}

static int find_kvm(const struct start *s, bool *ret)
{
	int r = try_kvm();

	*ret = r == 0;
	if (r < 0 && !s->hypervisor->emulates)
		return log_failure(r, "%s needs KVM, and /dev/kvm cannot be used", s->hypervisor->name);
	if (r < 0)
		log_line(LEVEL_WARNING, "KVM is not available, the guest is emulated and slow: /dev/kvm: %s",
			 strerror(-r));
	return 0;
}

static int identify(struct start *s)
{
	unsigned char host[16];
	int r;

	if (!identity_needed(&s->vm))
		return 0;
	r = identity_host("/etc/machine-id", host);
	if (r < 0)
		return log_failure(r, "the host has no ID from which machineId and mac could be made: "
				      "/etc/machine-id");
	identity_fill(&s->vm, host);
	return 0;
}

static int ask_script(struct start *s)
{
	const char *script = s->vm.extra_args_script;
	OWNED(drop_text) struct text output = { 0 };
	int r;

	if (!script || !*script)
		return 0;
	r = program_output(script, NULL, &output);
	if (r < 0)
		return log_failure(r, "extraArgsScript: %s", script);
	if (r == 0 && words_split(&s->extra, output.at) == 0)
		return 0;
	if (r == 0)
		log_line(LEVEL_ERROR, "extraArgsScript: %s printed an open quote or an unknown escape",
			 script);
	else
		log_line(LEVEL_ERROR, "extraArgsScript: %s ended with status %d", script, r);
	return EXIT_REFUSED;
}

static int make_command(struct start *s, bool printed)
{
	struct launch launch = { .program = s->program, .control = s->control };
	int r = find_kvm(s, &launch.kvm);

	if (r == 0)
		r = identify(s);
	if (r == 0)
		r = ask_script(s);
	/* Behind the script, which is to see none of it. */
	if (r == 0)
		r = attach(&s->vm, printed, &s->attached);
	if (r != 0)
		return r;
	launch.vhost_net = s->attached.vhost_net;
	launch.queues = s->attached.at;
	launch.queue_count = s->attached.count;
	s->hypervisor->command(&s->vm, &launch, &s->argv);
	words_add_all(&s->argv, &s->extra);
	return 0;
}

static int check_readable(const char *key, const char *path)
{
	if (!path || !*path || access(path, R_OK) == 0)
		return 0;
	return log_failure(-errno, "%s: %s cannot be read by the MicroVM's user", key, path);
}

/* The hypervisor takes a socket's path over from whoever has it, even from one that runs. */
static int hold_instance(struct start *s)
{
	OWNED(drop_str) char *path = text_format("%s/lock", s->dir);
	int r = hold(&s->holds, path, O_RDWR | O_CREAT | O_NOFOLLOW, LOCK_EX);

	if (r == -EWOULDBLOCK) {
		log_line(LEVEL_ERROR, "%s runs already: its hypervisor, or what remains of it, holds %s",
			 s->vm.name, path);
		return EXIT_REFUSED;
	}
	return r < 0 ? log_failure(r, "%s", path) : 0;
}

static int hold_volume(struct start *s, const struct volume *v)
{
	OWNED(drop_str) char *path = volume_path(&s->vm, v);
	int r = hold(&s->holds, path, v->read_only ? O_RDONLY : O_RDWR, v->read_only ? LOCK_SH : LOCK_EX);

	if (r == -EWOULDBLOCK) {
		log_line(LEVEL_ERROR, "[volume %s] %s is in use: another MicroVM or program holds its lock",
			 v->section.id, path);
		return EXIT_REFUSED;
	}
	return r < 0 ? log_failure(r, "[volume %s] %s cannot be opened for %s", v->section.id, path,
				   v->read_only ? "reading" : "reading and writing") : 0;
}

static int hold_all(struct start *s)
{
	int r = hold_instance(s);

	for (each(struct volume, v, s->vm.volumes))
		if (r == 0)
			r = hold_volume(s, v);
	return r;
}

/* What a hypervisor that was killed left behind. Only our own folder is known to be just ours. */
static void remove_stale_socket(const struct start *s)
{
	size_t n = strlen(s->dir);
	struct stat st;

	if (!s->control || strncmp(s->control, s->dir, n) != 0 || s->control[n] != '/')
		return;
	if (lstat(s->control, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(s->control);
}

static int become_hypervisor(struct start *s)
{
	int r = state_write(s->dir, &s->vm);

	if (r < 0)
		return log_failure(r, "%s/state", s->dir);
	r = holds_keep(&s->holds);
	if (r < 0)
		return log_failure(r, "cannot keep the locks");
	r = attached_keep(&s->attached);
	if (r < 0)
		return log_failure(r, "cannot keep the interfaces");
	(void)execv(s->program, s->argv.at);
	return log_failure(-errno, "%s", s->program);
}

static int run(struct start *s)
{
	int r = check_readable("kernel", s->vm.kernel);

	if (r == 0)
		r = check_readable("initrdPath", s->vm.initrd_path);
	if (r == 0)
		r = hold_all(s);
	if (r != 0)
		return r;
	remove_stale_socket(s);
	return become_hypervisor(s);
}

static int print(const struct start *s)
{
	for (size_t i = 0; i < s->argv.count; i++)
		puts(s->argv.at[i]);
	return fflush(stdout) == 0 ? EXIT_DONE : log_failure(-errno, "standard output");
}

static int start(bool printed, const char *name, char **words)
{
	OWNED(drop_start) struct start s = { 0 };
	int r = read_words(&s, name, words);

	if (r == 0)
		r = find_program(&s);
	if (r == 0)
		r = make_command(&s, printed);
	if (r != 0)
		return r;
	return printed ? print(&s) : run(&s);
}

int main(int argc, char **argv)
{
	bool printed = argc > 1 && strcmp(argv[1], "--print") == 0;

	if (argc == 3 && strcmp(argv[1], "--not-configured") == 0)
		return refuse_not_configured(argv[2]);
	if (argc > 3 && strcmp(argv[1], "--broken") == 0)
		return refuse_broken(argv + 3);
	argv += printed;
	if (!argv[1] || *argv[1] == '-')
		return log_usage(usage);
	return start(printed, argv[1], argv + 2);
}
