/* SPDX-License-Identifier: MIT */
/* microvm-ready: ExecStartPost= of microvm@.service. The start has succeeded when the hypervisor says
 * that its guest runs, or the guest that it is up; how long that may take is the unit's
 * TimeoutStartSec=. */
#include "guest.h"
#include "process.h"
#include "state.h"
#include "vcpus.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../config/arguments.h"
#include "../hypervisors/control.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static void tell(const struct control *c, enum told what, int error)
{
	const char *name = c->hypervisor->name;

	if (what == TOLD_ABSENT)
		log_line(LEVEL_NOTICE, "%s cannot be reached yet: %s: %s", name, c->path,
			 strerror(error));
	else if (what == TOLD_SILENT)
		log_line(LEVEL_NOTICE, "%s does not answer yet; perhaps another client holds %s",
			 name, c->path);
	else if (what == TOLD_PAUSED)
		log_line(LEVEL_NOTICE, "%s answers, but the guest is paused; waiting until it runs",
			 name);
}

static int wait_answer(const struct hypervisor *h, const char *path, int process)
{
	OWNED(drop_control) struct control c = {
		.hypervisor = h,
		.path = path,
		.process = process,
		.patience = 10000,
		.tell = tell,
		.socket = -1,
	};

	control_begin(&c);
	return control_wait_running(&c);
}

/* A hypervisor that has lived for so long has nothing left to fail at, even if its guest sleeps. */
static int wait_vcpus(int process)
{
	enum { LOOK_EVERY = 20, LONG = 2000 }; /* milliseconds */
	const pid_t pid = (pid_t)strtol(getenv("MAINPID"), NULL, 10);
	const int64_t enough = milliseconds_now() + LONG;

	while (!vcpus_run(pid) && milliseconds_now() < enough) {
		struct pollfd p = { .fd = process, .events = POLLIN };

		if (poll(&p, 1, LOOK_EVERY) == 1)
			return -ESRCH;
	}
	return process_ended(process) ? -ESRCH : 0;
}

static int wait_hypervisor(const struct microvm *vm, int process)
{
	const struct hypervisor *h = hypervisors[vm->hypervisor];
	OWNED(drop_str) char *path = microvm_socket(vm);
	int r = 0;

	if (h->protocol != PROTOCOL_NONE && path)
		r = wait_answer(h, path, process);
	if (r == 0 && h->mute)
		r = wait_vcpus(process);
	return r;
}

static int wait_ready(const struct microvm *vm, bool guest)
{
	OWNED(drop_str) char *dir = runtime_dir(vm->name);
	OWNED(drop_fd) int process = -1;
	int r = main_process(&process);

	if (r < 0)
		return r;
	return guest ? guest_await(vm, dir, process) : wait_hypervisor(vm, process);
}

/* Who stops a start ends the hypervisor and then us, which is no failure; so does systemd after a crash and behind
 * the time-out, which it counts itself. */
static void end(int signal)
{
	(void)signal;
	_exit(EXIT_DONE);
}

static void await_end(void)
{
	enum { LONG = 1000 }; /* milliseconds */
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)poll(NULL, 0, LONG);
}

static void tell_end(const struct microvm *vm, bool guest)
{
	const struct hypervisor *h = hypervisors[vm->hypervisor];

	log_line(LEVEL_ERROR, "%s ended before %s", h->name,
		 guest	 ? "its guest was up" :
		 h->mute ? "its guest ran" :
			   "it answered");
	await_end();
}

static int wait_and_tell(const struct microvm *vm)
{
	bool guest = vm->readiness == READINESS_GUEST;
	int r = wait_ready(vm, guest);

	if (r == -ESRCH)
		tell_end(vm, guest);
	else if (r < 0 && r != -EINTR && r != -ETIMEDOUT)
		return log_failure(r, guest ? "cannot listen for the guest" : "cannot watch the main process");
	return r < 0 && r != -EINTR ? EXIT_REFUSED : EXIT_DONE;
}

int main(int argc, char **argv)
{
	OWNED(drop_microvm) struct microvm vm = { 0 };
	const struct sigaction ends = { .sa_handler = end };
	int r;

	if (argc < 2 || *argv[1] == '-')
		return log_usage("microvm-ready NAME [SECTION[.ID].KEY=VALUE...]");
	(void)sigaction(SIGTERM, &ends, NULL);
	r = arguments_microvm(&vm, argv[1], argv + 2);
	if (r != 0)
		return r;
	return vm.readiness == READINESS_NONE ? EXIT_DONE : wait_and_tell(&vm);
}
