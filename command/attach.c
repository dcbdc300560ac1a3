/* SPDX-License-Identifier: MIT */
#include "attach.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../helpers/console.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { ATTEMPTS = 3 };

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	OWNED(drop_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : MOVE_FD(fd);
}

int attach_open(struct systemd *bus, const char *name, int *ret)
{
	OWNED(drop_str) char *unit = text_format("microvm-console@%s.service", name);
	OWNED(drop_str) char *path = text_format("/run/microvm-console/%s/" CONSOLE_SOCKET, name);
	int fd = -ENOENT;

	/* One that is about to end, because everybody has left, does not take us in any more. */
	for (int i = 0; i < ATTEMPTS && fd < 0; i++) {
		int r = bus_job(bus, "StartUnit", unit);

		if (r == EXIT_DONE)
			r = bus_wait(bus);
		if (r != EXIT_DONE)
			return r;
		fd = connect_to(path);
	}
	if (fd < 0)
		return log_failure(fd, "%s", path);
	*ret = fd;
	return EXIT_DONE;
}
