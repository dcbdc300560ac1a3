/* SPDX-License-Identifier: MIT */
/* answer PORT LINE: from now on, and behind its caller's back, says a line to whoever connects to
 * the port over vsock, and no more. Static, for a guest without libraries. */
#include <linux/vm_sockets.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void answer(int fd, const char *line)
{
	char bytes[256];

	if (write(fd, line, strlen(line)) > 0 && write(fd, "\r\n", 2) == 2 &&
	    shutdown(fd, SHUT_WR) == 0)
		while (read(fd, bytes, sizeof(bytes)) > 0)
			;
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_vm here = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY };
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0), peer;

	if (argc != 3 || fd < 0)
		return 2;
	here.svm_port = (unsigned)strtoul(argv[1], NULL, 10);
	if (bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0 || listen(fd, 1) < 0 ||
	    daemon(1, 1) < 0)
		return 1;
	while ((peer = accept(fd, NULL, NULL)) >= 0)
		answer(peer, argv[2]);
	return 1;
}
