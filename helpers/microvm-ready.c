/* SPDX-License-Identifier: MIT */
/* microvm-ready: ExecStartPost= of microvm@.service. The start has succeeded when the hypervisor
 * says that its guest runs; how long that may take is the unit's TimeoutStartSec=. */
#include "process.h"
#include "vcpus.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../config/arguments.h"
#include "../hypervisors/control.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

static int read_words(struct microvm *vm, const char *name, char **words)
{
	struct problems problems = { 0 };
	int r;

	microvm_init(vm, name);
	r = arguments_read(vm, words, &problems);
	for (size_t i = 0; i < problems.errors.count; i++)
		log_line(LEVEL_ERROR, "%s", problems.errors.at[i]);
	drop_problems(&problems);
	return r == 0 && hypervisors[vm->hypervisor] ? 0 : EXIT_CALLED_WRONGLY;
}

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

static int wait_ready(const struct hypervisor *h, const char *path)
{
	OWNED(drop_fd) int process = -1;
	int r = main_process(&process);

	if (r == 0 && h->protocol != PROTOCOL_NONE && path)
		r = wait_answer(h, path, process);
	if (r == 0 && h->mute)
		r = wait_vcpus(process);
	if (r == -ESRCH) {
		log_line(LEVEL_ERROR, "%s ended before %s", h->name,
			 h->mute ? "its guest ran" : "it answered");
		return EXIT_REFUSED;
	}
	return r < 0 ? log_failure(r, "cannot watch the main process") : EXIT_DONE;
}

int main(int argc, char **argv)
{
	OWNED(drop_microvm) struct microvm vm = { 0 };
	OWNED(drop_str) char *path = NULL;
	const struct hypervisor *h;
	int r;

	if (argc < 2 || *argv[1] == '-')
		return log_usage("microvm-ready NAME [SECTION[.ID].KEY=VALUE...]");
	r = read_words(&vm, argv[1], argv + 2);
	if (r != 0)
		return r;
	h = hypervisors[vm.hypervisor];
	path = microvm_socket(&vm);
	return vm.readiness == READINESS_NONE ? EXIT_DONE : wait_ready(h, path);
}
