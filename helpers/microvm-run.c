/* SPDX-License-Identifier: MIT */
/* microvm-run: ExecStart= of microvm@.service. Becomes the hypervisor, as the MicroVM's own user and
 * without capabilities, and leaves no process of its own behind. */
#include "attach.h"
#include "config-file.h"
#include "console.h"
#include "firmware.h"
#include "hold.h"
#include "huge-pages.h"
#include "notify.h"
#include "process.h"
#include "program.h"
#include "refusal.h"
#include "release.h"
#include "render-node.h"
#include "sriov.h"
#include "state.h"
#include "taken.h"
#include "terminal.h"
#include "vsock.h"

#include "../common/escape.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/arguments.h"
#include "../config/identity.h"
#include "../config/root.h"
#include "../hypervisors/hypervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static const char usage[] = "microvm-run [--print|--print-shell|--print-config] NAME [SECTION[.ID].KEY=VALUE...], "
			    "microvm-run --not-configured NAME, microvm-run --broken NAME LINE...";

enum { PRINTED_FD = 9 }; /* for a descriptor that is not opened because nothing is run */

/* What is made of the command: the hypervisor, or for people and tests what it would be. */
enum made { MADE_RUN, MADE_PRINT, MADE_PRINT_SHELL, MADE_PRINT_CONFIG };

struct start {
	struct microvm vm;
	const struct hypervisor *hypervisor;
	struct launch launch;
	struct firmware firmware;
	char *program;
	char *control;
	char *dir; /* the runtime folder */
	char *credentials; /* folder */
	char *render_node;
	char *config_path;
	struct json_object *config; /* NULL: the hypervisor reads none */
	struct words extra; /* of extraArgsScript */
	struct words argv;
	struct holds holds;
	struct holds volumes;
	struct attached attached;
	int vsock; /* /dev/vhost-vsock with the guest's cid, 0: not open */
	struct console console;
};

static void drop_start(struct start *s)
{
	drop_microvm(&s->vm);
	drop_firmware(&s->firmware);
	free(s->program);
	free(s->control);
	free(s->dir);
	free(s->credentials);
	free(s->render_node);
	free(s->config_path);
	drop_config(&s->config);
	drop_words(&s->extra);
	drop_words(&s->argv);
	drop_holds(&s->holds);
	drop_holds(&s->volumes);
	drop_attached(&s->attached);
	if (s->vsock > 0)
		(void)close(s->vsock);
	drop_console(&s->console);
}

static int tell_problems(struct problems *problems)
{
	int r = problems->errors.count > 0 ? EXIT_REFUSED : EXIT_DONE;

	for (size_t i = 0; i < problems->errors.count; i++)
		log_line(LEVEL_ERROR, "%s", problems->errors.at[i]);
	drop_problems(problems);
	return r;
}

/* Where install-microvm has made one for [root], with what the user's lacks. */
static void take_initrd(struct microvm *vm)
{
	OWNED(drop_str) char *path = root_is_set(vm) ? root_file(vm, ROOT_INITRD) : NULL;

	if (!path || !vm->initrd_path || access(path, F_OK) < 0)
		return;
	drop_str(&vm->initrd_path);
	vm->initrd_path = MOVE(path);
}

/* Where systemd.exec(5) has them; with --print there is no unit that could tell. */
static char *credentials_dir(const struct microvm *vm)
{
	const char *told = getenv("CREDENTIALS_DIRECTORY");

	return told ? text_copy(told) : text_format("/run/credentials/microvm@%s.service", vm->name);
}

static int read_words(struct start *s, const char *name, char **words)
{
	int r = arguments_microvm(&s->vm, name, words);

	s->hypervisor = hypervisor_of(&s->vm);
	s->dir = runtime_dir(name);
	s->control = microvm_socket(&s->vm);
	s->config_path = text_format("%s/config.json", s->dir);
	take_initrd(&s->vm);
	s->credentials = credentials_dir(&s->vm);
	if (s->vm.firmware)
		firmware_find(s->vm.firmware, &s->firmware);
	if (s->vm.graphics.enable)
		s->render_node = render_node_find();
	return r;
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

/* Where the kernel's link is that leads to a virtual function, if there is none. */
static void find_functions(struct start *s)
{
	for (each(struct device, d, s->vm.devices))
		if (d->sriov_parent)
			d->path = sriov_address("", d->sriov_parent, d->sriov_vf);
	for (each(struct device, d, s->vm.devices))
		if (!d->path)
			d->path = text_format("%s/virtfn%u", d->sriov_parent, d->sriov_vf);
}

/* Only where the command line depends on it: this runs the binary once more. */
static int find_release(struct start *s)
{
	const struct hypervisor *h = s->hypervisor;
	struct problems problems = { 0 };
	int r;

	s->launch.release = UINT_MAX;
	if (!h->ask_release || (h->needs_release && !h->needs_release(&s->vm)))
		return 0;
	r = program_release(s->program, h->ask_release, &s->launch.release);
	if (r < 0)
		log_line(LEVEL_WARNING, "%s %s does not tell its version (%s); taken for the newest",
			 s->program, h->ask_release, strerror(-r));
	if (h->check_release)
		h->check_release(&s->vm, s->launch.release, &problems);
	return tell_problems(&problems);
}

static int make_config(struct start *s)
{
	const struct hypervisor *h = s->hypervisor;
	const char *over = h->config_over ? h->config_over(&s->vm) : NULL;
	OWNED(drop_words) struct words values = { 0 };
	int r;

	if (!h->config)
		return 0;
	h->config(&s->vm, &s->launch, &values);
	r = config_make(&values, over, &s->config);
	if (r == -EBADMSG) {
		log_line(LEVEL_ERROR, "[%s] extraConfig: %s is not a JSON object", h->name, over);
		return EXIT_REFUSED;
	}
	return r < 0 ? log_failure(r, "[%s] extraConfig: %s", h->name, over) : 0;
}

static void describe_launch(struct start *s)
{
	s->launch.program = s->program;
	s->launch.dir = s->dir;
	s->launch.control = s->control;
	s->launch.config = s->config_path;
	s->launch.credentials = s->credentials;
	s->launch.render_node = s->render_node;
	s->launch.firmware = s->vm.firmware ? &s->firmware : NULL;
}

/* Who listens for the guest is there before the guest. */
static int find_notify(struct start *s, bool printed)
{
	int r;

	if (s->vm.readiness != READINESS_GUEST)
		return EXIT_DONE;
	if (printed) {
		s->vm.vsock.notify_port = NOTIFY_PORT;
		return EXIT_DONE;
	}
	r = notify_await(s->dir, &s->vm.vsock.notify_port);
	return r < 0 ? log_failure(r, "microvm-ready does not listen for the guest") : EXIT_DONE;
}

static int open_console(struct start *s, bool printed)
{
	int r;

	if (!hypervisor_has_console(&s->vm) || printed)
		return EXIT_DONE;
	r = console_open(s->dir, s->vm.name, &s->console);
	return r < 0 ? log_failure(r, "cannot make the console's FIFOs in %s", s->dir) : EXIT_DONE;
}

static int make_command(struct start *s, bool printed)
{
	int r = program_kvm(s->hypervisor, s->launch.architecture, printed, &s->launch.kvm);

	describe_launch(s);
	if (r == 0)
		r = find_release(s);
	if (r == 0)
		r = identify(s);
	find_functions(s);
	if (r == 0)
		r = ask_script(s);
	/* Behind the script, which is to see none of it. */
	if (r == 0)
		r = attach(&s->vm, printed, &s->attached);
	if (r == 0)
		r = vsock_claim(&s->vm, printed, &s->vsock);
	if (r == 0)
		r = find_notify(s, printed);
	if (r == 0)
		r = open_console(s, printed);
	if (r != 0)
		return r;
	s->launch.vhost_vsock = s->hypervisor->takes_vsock ? s->vsock : 0;
	s->launch.console = printed ? PRINTED_FD : s->console.copy > 0 ? s->console.copy : 0;
	s->launch.vhost_net = s->attached.vhost_net;
	s->launch.queues = s->attached.at;
	s->launch.queue_count = s->attached.count;
	s->hypervisor->command(&s->vm, &s->launch, &s->argv);
	words_add_all(&s->argv, &s->extra);
	return make_config(s);
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
	struct stat st;
	int r;

	if (stat(path, &st) == 0 && S_ISBLK(st.st_mode))
		/* A claim is in no other lock's way. */
		r = hold_device(v->read_only ? &s->volumes : &s->holds, path, !v->read_only);
	else
		r = hold(&s->volumes, path, v->read_only ? O_RDONLY : O_RDWR,
			 v->read_only ? LOCK_SH : LOCK_EX);
	if (r == -EWOULDBLOCK) {
		log_line(LEVEL_ERROR, "[volume %s] %s is in use by another MicroVM or program",
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
static void remove_stale_socket(const struct start *s, const char *path)
{
	size_t n = strlen(s->dir);
	struct stat st;

	if (!path || strncmp(path, s->dir, n) != 0 || path[n] != '/')
		return;
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(path);
}

static void remove_stale_sockets(const struct start *s)
{
	OWNED(drop_str) char *vsock = hypervisor_vsock_socket(&s->vm, s->dir);

	remove_stale_socket(s, s->control);
	remove_stale_socket(s, vsock);
}

/* A process is called by the last part of the path that it was started by: a link makes that
 * microvm@NAME. Without one the hypervisor runs just as well. */
static char *named_program(const struct start *s)
{
	OWNED(drop_str) char *link = text_format("%s/microvm@%s", s->dir, s->vm.name);

	if (!s->vm.pretty_procnames || s->hypervisor->names_process)
		return text_copy(s->program);
	(void)unlink(link);
	if (symlink(s->program, link) < 0)
		return text_copy(s->program);
	return MOVE(link);
}

/* Of what stays open over exec. A hypervisor that locks its volumes itself would meet our locks; they
 * end when it begins. */
static int keep_open(const struct start *s)
{
	int r = holds_keep(&s->holds);

	if (r == 0 && !s->hypervisor->locks_volumes)
		r = holds_keep(&s->volumes);
	if (r < 0)
		return log_failure(r, "cannot keep the locks");
	/* Who opens the device anew gets the cid when this one is closed. */
	if (s->vsock > 0 && s->hypervisor->takes_vsock && fcntl(s->vsock, F_SETFD, 0) < 0)
		return log_failure(-errno, "cannot keep the vsock");
	r = attached_keep(&s->attached);
	return r < 0 ? log_failure(r, "cannot keep the interfaces") : EXIT_DONE;
}

static int prepare(const struct start *s)
{
	const struct hypervisor *h = s->hypervisor;

	return h->prepare ? h->prepare(&s->vm, &s->launch) : EXIT_DONE;
}

static int keep_console(const struct start *s)
{
	const struct hypervisor *h = s->hypervisor;
	int r = h->terminal ? terminal_take(&s->console) : console_keep(&s->console);

	return r < 0 ? log_failure(r, "cannot keep the console of %s", h->name) : EXIT_DONE;
}

/* What the start is, for who asks later. */
static int keep_state(const struct start *s)
{
	const char *made = getenv("MICROVM_MADE");
	int r = made ? state_write_digest(s->dir, made) : 0;

	(void)unsetenv("MICROVM_MADE");
	return r == 0 ? state_write(s->dir, &s->vm) : r;
}

static int become_hypervisor(struct start *s)
{
	OWNED(drop_str) char *program = named_program(s);
	int r = keep_state(s);

	if (r < 0)
		return log_failure(r, "%s", s->dir);
	r = s->config ? config_write(s->config, s->config_path) : 0;
	if (r < 0)
		return log_failure(r, "%s", s->config_path);
	r = prepare(s);
	/* First, because who is started for it is to have nothing of what stays open. */
	if (r == EXIT_DONE)
		r = keep_console(s);
	if (r == EXIT_DONE)
		r = keep_open(s);
	if (r != EXIT_DONE)
		return r;
	(void)execv(program, s->argv.at);
	return log_failure(-errno, "%s", s->program);
}

static int run(struct start *s)
{
	int r;

	prepared_take();
	r = check_readable("kernel", s->vm.kernel);
	if (r == 0)
		r = check_readable("initrdPath", s->vm.initrd_path);
	if (r == 0)
		r = check_readable("firmware", s->vm.firmware);
	if (r == 0)
		r = huge_pages_check(&s->vm);
	if (r == 0)
		r = hold_all(s);
	if (r != 0)
		return r;
	remove_stale_sockets(s);
	return become_hypervisor(s);
}

/* A word a line, as it can be given to a shell. */
static void print_for_shell(const struct words *argv)
{
	OWNED(drop_text) struct text t = { 0 };

	for (size_t i = 0; i < argv->count; i++) {
		text_add(&t, i ? " \\\n  " : "");
		escape_shell_word(&t, argv->at[i]);
	}
	puts(t.at);
}

static int print(const struct start *s, enum made made)
{
	if (made == MADE_PRINT_CONFIG && !s->config) {
		log_line(LEVEL_ERROR, "%s reads no configuration file", s->hypervisor->name);
		return EXIT_REFUSED;
	}
	if (made == MADE_PRINT_CONFIG)
		config_print(s->config);
	else if (made == MADE_PRINT_SHELL)
		print_for_shell(&s->argv);
	else
		for (size_t i = 0; i < s->argv.count; i++)
			puts(s->argv.at[i]);
	return fflush(stdout) == 0 ? EXIT_DONE : log_failure(-errno, "standard output");
}

static int start(enum made made, const char *name, char **words)
{
	OWNED(drop_start) struct start s = { .console = { -1, -1 } };
	int r = read_words(&s, name, words);

	if (r == 0)
		r = program_architecture(&s.vm, &s.firmware, &s.launch.architecture);
	if (r == 0)
		r = program_find(&s.vm, s.launch.architecture, &s.program);
	if (r == 0)
		r = make_command(&s, made != MADE_RUN);
	if (r != 0)
		return r;
	return made == MADE_RUN ? run(&s) : print(&s, made);
}

int main(int argc, char **argv)
{
	const char *first = argc > 1 ? argv[1] : "";
	enum made made = strcmp(first, "--print") == 0	      ? MADE_PRINT :
			 strcmp(first, "--print-shell") == 0  ? MADE_PRINT_SHELL :
			 strcmp(first, "--print-config") == 0 ? MADE_PRINT_CONFIG :
								MADE_RUN;

	if (argc == 3 && strcmp(first, "--not-configured") == 0)
		return refuse_not_configured(argv[2]);
	if (argc > 3 && strcmp(first, "--broken") == 0)
		return refuse_broken(argv + 3);
	argv += made != MADE_RUN;
	if (!argv[1] || *argv[1] == '-')
		return log_usage(usage);
	return start(made, argv[1], argv + 2);
}
