/* SPDX-License-Identifier: MIT */
#include "read-file.h"

#include "tree.h"
#include "../common/owned.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int read_file(int fd, struct text *ret)
{
	char bytes[65536];
	ssize_t n;

	text_add(ret, "");
	while ((n = read(fd, bytes, sizeof(bytes))) != 0) {
		if (n > 0)
			text_add_bytes(ret, bytes, (size_t)n);
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int read_file_at(int folder, const char *path, struct text *ret)
{
	OWNED(drop_fd) int fd = tree_open(folder, path, O_RDONLY | O_NONBLOCK);

	return fd < 0 ? fd : read_file(fd, ret);
}
