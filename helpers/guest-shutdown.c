/* SPDX-License-Identifier: MIT */
#include "guest-shutdown.h"

#include "../common/clock.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../hypervisors/hypervisor.h"
#include "../hypervisors/guest-port.h"
#include "../hypervisors/guest-stop.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>

enum {
	PATIENCE = 10 * 1000, /* milliseconds: a guest that boots listens soon, another never */
	AGAIN = 200,
};

/* Whether it ends by then. */
static bool ends(int process, int64_t until)
{
	struct pollfd p = { .fd = process, .events = POLLIN };
	int64_t left;

	do {
		left = until - milliseconds_now();
	} while (poll(&p, 1, left > 0 ? (int)left : 0) < 0 && errno == EINTR);
	return p.revents != 0;
}

/* Returns the connection, -ESRCH when the hypervisor has ended, or another -errno. */
static int knock(const struct microvm *vm, int process, int64_t until)
{
	for (;;) {
		int64_t left = until - milliseconds_now();
		int fd = guest_port_connect_as_root(vm, GUEST_STOP_PORT, left > AGAIN ? (unsigned)left : AGAIN);

		if (fd >= 0)
			return fd;
		if (ends(process, milliseconds_now() + AGAIN))
			return -ESRCH;
		if (left <= 0)
			return fd;
	}
}

int guest_shut_down(const struct microvm *vm, int process)
{
	const char *name = hypervisor_of(vm)->name;
	const int64_t until = milliseconds_now() + (int64_t)(vm->shutdown_timeout / 1000);
	/* Open until the end: the guest looks who it is that asks. */
	OWNED(drop_fd) int fd = knock(vm, process, earlier(until, milliseconds_now() + PATIENCE));

	if (fd < 0 && fd != -ESRCH) {
		log_line(LEVEL_WARNING, "the guest cannot be asked over vsock to shut down (its systemd has to be 256 or "
			 "later): %s", strerror(-fd));
		return EXIT_REFUSED;
	}
	if (fd >= 0)
		log_line(LEVEL_INFO, "asked the guest's systemd over vsock to shut down");
	if (!ends(process, until)) {
		log_line(LEVEL_ERROR, "the guest has not shut down in %" PRIu64 " s", vm->shutdown_timeout / 1000000);
		return EXIT_REFUSED;
	}
	log_line(LEVEL_INFO, "%s has ended", name);
	return EXIT_DONE;
}
