/* SPDX-License-Identifier: MIT */
/* microvm-leader: what systemd-machined has as the leader of a MicroVM, and sends the signals of
 * "machinectl poweroff" and "machinectl reboot" (systemd(1)) to. A hypervisor would only die of them;
 * this makes a stop or a restart of its unit, in which the guest is asked. It sleeps otherwise, ends
 * with the hypervisor, and needs nothing but libc. */
#include "../common/log.h"
#include "../common/owned.h"

#include "process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

static void job(const char *verb, const char *unit)
{
	pid_t pid = fork();
	sigset_t none;

	if (pid == 0) {
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)execlp("systemctl", "systemctl", "--no-block", verb, unit, NULL);
		_exit(log_failure(-errno, "systemctl"));
	}
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
}

static int wait_for_signals(sigset_t *set)
{
	int fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);

	if (fd < 0 || sigprocmask(SIG_BLOCK, set, NULL) < 0)
		return -errno;
	return fd;
}

static int lead(const char *unit, int hypervisor, int signals)
{
	for (;;) {
		struct pollfd p[] = { { .fd = hypervisor, .events = POLLIN },
				      { .fd = signals, .events = POLLIN } };
		struct signalfd_siginfo info;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return log_failure(-errno, "poll");
		if (p[0].revents)
			return EXIT_DONE;
		if (p[1].revents && read(signals, &info, sizeof(info)) == sizeof(info))
			job(info.ssi_signo == SIGINT ? "restart" : "stop", unit);
	}
}

int main(int argc, char **argv)
{
	OWNED(drop_fd) int hypervisor = -1;
	OWNED(drop_fd) int signals = -1;
	sigset_t set;
	int r;

	if (argc != 2 || *argv[1] == '-')
		return log_usage("microvm-leader UNIT");
	r = main_process(&hypervisor);
	if (r < 0)
		return r == -ESRCH ? EXIT_DONE : log_failure(r, "cannot watch the main process");
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGRTMIN + 4);
	signals = wait_for_signals(&set);
	return signals < 0 ? log_failure(signals, "signals") : lead(argv[1], hypervisor, signals);
}
