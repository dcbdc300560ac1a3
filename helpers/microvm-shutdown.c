/* SPDX-License-Identifier: MIT */
/* microvm-shutdown: ExecStop= of microvm@.service. Asks the guest to shut down and waits until its
 * hypervisor has ended; only when this fails is that ended by a signal. Reads what the start noted,
 * because the configuration may be another by now.
 *
 * microvm-shutdown --guest NAME [CID] comes before it where the hypervisor cannot ask. It is root's, so of what the MicroVM's
 * user could have written it believes no more than it has to; CID is what the configuration says. */
#include "console.h"
#include "guest-shutdown.h"
#include "process.h"
#include "state.h"
#include "vsock.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/package.h"
#include "../hypervisors/control.h"
#include "../hypervisors/guest-stop.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void tell(const struct control *c, enum told what, int error)
{
	const char *name = c->hypervisor->name;

	if (what == TOLD_ASKED)
		log_line(LEVEL_INFO, "%s",
			 c->hypervisor->asks ? c->hypervisor->asks : "asked the guest to shut down");
	else if (what == TOLD_ENDING)
		log_line(LEVEL_INFO, "the guest has shut down");
	else if (what == TOLD_REFUSED)
		log_line(LEVEL_WARNING, "%s refuses to ask the guest; trying on", name);
	else if (what == TOLD_SILENT)
		log_line(LEVEL_WARNING,
			 "%s does not answer, perhaps another client holds %s; trying on", name,
			 c->path);
	else if (what == TOLD_ABSENT)
		log_line(LEVEL_WARNING, "%s cannot be reached: %s: %s; trying on", name, c->path,
			 strerror(error));
}

/* For both, because for writing alone it opens only where somebody reads, and who then has left ends us. */
static int open_typed(const char *name)
{
	OWNED(drop_str) char *dir = runtime_dir(name);
	OWNED(drop_str) char *path = text_format("%s/" CONSOLE_TYPED, dir);

	return open(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
}

static int ask(const struct microvm *vm, const struct hypervisor *h, const char *path, int process)
{
	OWNED(drop_fd) int console = h->nudge ? open_typed(vm->name) : -1;
	OWNED(drop_control) struct control c = {
		.hypervisor = h,
		.path = path,
		.process = process,
		.patience = 2000,
		.console = console,
		.tell = tell,
		.socket = -1,
	};
	uint64_t patience = vm->shutdown_timeout / 1000;

	control_begin(&c);
	if (control_power_off(&c, milliseconds_now() + (int64_t)patience) == 0) {
		log_line(LEVEL_INFO, "%s has ended", h->name);
		return EXIT_DONE;
	}
	log_line(LEVEL_ERROR,
		 "the guest has not shut down in %" PRIu64 " s; %s is now ended by a signal",
		 patience / 1000, h->name);
	return EXIT_REFUSED;
}

/* In the state folder, as it was run, and without a word of ours: the package knows its hypervisor. */
static int start_shutdown(const struct microvm *vm, const char *program, pid_t *ret)
{
	OWNED(drop_str) char *folder = microvm_state_dir(vm);
	char *argv[] = { (char *)program, NULL };

	if (chdir(folder) < 0)
		return -errno;
	return -posix_spawn(ret, program, NULL, NULL, argv, environ);
}

/* A package whose program fails has asked nobody, and nobody is waited for. */
static int wait_end(int process, int program, int64_t until)
{
	struct pollfd p[] = { { process, POLLIN, 0 }, { program, POLLIN, 0 } };

	while (milliseconds_now() < until) {
		siginfo_t end = { 0 };

		if (poll(p, 2, (int)(until - milliseconds_now())) < 0 && errno != EINTR)
			return -errno;
		if (p[0].revents)
			return 0;
		if (p[1].revents && waitid(P_PIDFD, (id_t)program, &end, WEXITED) == 0) {
			if (end.si_code != CLD_EXITED || end.si_status != 0)
				return -ECHILD;
			p[1].fd = -1;
		}
	}
	return -ETIMEDOUT;
}

static int tell_end(const struct microvm *vm, const char *program, int r)
{
	if (r == 0)
		log_line(LEVEL_INFO, "%s has ended", hypervisor_of(vm)->name);
	else if (r == -ETIMEDOUT)
		log_line(LEVEL_ERROR, "the guest has not shut down in %" PRIu64 " s; it is now ended by a signal",
			 vm->shutdown_timeout / 1000000);
	else if (r == -ECHILD)
		log_line(LEVEL_ERROR, "%s has failed; the guest is now ended by a signal", program);
	else
		return log_failure(r, "%s", program);
	return r == 0 ? EXIT_DONE : EXIT_REFUSED;
}

static int ask_package(const struct microvm *vm, int process)
{
	OWNED(drop_str) char *program = text_format("%s/" PACKAGE_SHUTDOWN, vm->runner);
	const int64_t until = milliseconds_now() + (int64_t)(vm->shutdown_timeout / 1000);
	OWNED(drop_fd) int fd = -1;
	pid_t pid = 0;
	int r;

	if (access(program, X_OK) < 0) {
		log_line(LEVEL_INFO, "the package has no " PACKAGE_SHUTDOWN "; its program is ended by a signal");
		return EXIT_DONE;
	}
	log_line(LEVEL_INFO, "asking the guest to shut down by %s", program);
	r = start_shutdown(vm, program, &pid);
	if (r < 0)
		return log_failure(r, "%s", program);
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	return tell_end(vm, program, fd < 0 ? -errno : wait_end(process, fd, until));
}

static int shut_down(const struct microvm *vm, int process)
{
	const struct hypervisor *h = hypervisors[vm->hypervisor];
	OWNED(drop_str) char *path = microvm_socket(vm);

	if (vm->runner)
		return ask_package(vm, process);
	if (h && h->ask_poweroff && path)
		return ask(vm, h, path, process);
	if (guest_stop_wanted(vm))
		log_line(LEVEL_WARNING, "%s is now ended by a signal", h->name);
	else if (h && !h->ask_poweroff)
		log_line(LEVEL_WARNING,
			 "%s has no way to ask its guest to shut down, and without [vsock] cid nobody has; it is now ended by "
			 "a signal", h->name);
	else
		log_line(LEVEL_WARNING,
			 "without a control socket the guest cannot be asked to shut down; its "
			 "hypervisor is now ended by a signal");
	return EXIT_REFUSED;
}

static int read_state(const char *name, struct microvm *vm)
{
	OWNED(drop_str) char *dir = runtime_dir(name);
	struct problems problems = { 0 };
	int r;

	microvm_init(vm, name);
	r = state_read(dir, vm, &problems);
	for (size_t i = 0; i < problems.errors.count; i++)
		log_line(LEVEL_ERROR, "%s/state: %s", dir, problems.errors.at[i]);
	drop_problems(&problems);
	return r < 0 ? log_failure(r, "%s/state", dir) : 0;
}

/* systemd would do it next. But what stands by the hypervisor, as microvm-leader does, ends a moment behind it, and systemd
 * would find and kill it then. */
static void end_by_signal(int process)
{
	enum { PATIENCE = 3000 }; /* milliseconds */
	struct pollfd p = { .fd = process, .events = POLLIN };

	(void)syscall(SYS_pidfd_send_signal, process, SIGTERM, NULL, 0);
	(void)poll(&p, 1, PATIENCE);
}

static int end_main(const char *name, int process)
{
	OWNED(drop_microvm) struct microvm vm = { 0 };
	int r = read_state(name, &vm);

	if (r == EXIT_DONE)
		r = shut_down(&vm, process);
	if (!process_ended(process))
		end_by_signal(process);
	return r;
}

static int ask_inside(const char *name, const char *told, int process)
{
	OWNED(drop_microvm) struct microvm vm = { 0 };
	int r = read_state(name, &vm);

	if (r != EXIT_DONE || !guest_stop_wanted(&vm))
		return r;
	if ((!told || strcmp(told, vm.vsock.cid) != 0) && !vsock_is_its_own(&vm)) {
		log_line(LEVEL_ERROR, "%s is the address of another guest as well: nobody is asked to shut down", vm.vsock.cid);
		return EXIT_REFUSED;
	}
	return guest_shut_down(&vm, process);
}

int main(int argc, char **argv)
{
	const bool inside = argc > 1 && strcmp(argv[1], "--guest") == 0;
	OWNED(drop_fd) int process = -1;
	int r;

	if (inside ? argc < 3 || argc > 4 : argc != 2 || *argv[1] == '-')
		return log_usage("microvm-shutdown NAME, or microvm-shutdown --guest NAME [CID]");
	r = main_process(&process);
	if (r == -ESRCH || (r == 0 && process_ended(process)))
		r = EXIT_DONE; /* it ended by itself; systemd calls this then too */
	else if (r < 0)
		r = log_failure(r, "cannot watch the main process");
	else
		r = inside ? ask_inside(argv[2], argv[3], process) : end_main(argv[1], process);
	if (!inside)
		unit_wait_alone();
	return r;
}
