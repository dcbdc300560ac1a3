/* SPDX-License-Identifier: MIT */
/* tell PORT MESSAGE: a message for a port of the host, over vsock and as sd_notify(3) sends it: a connection for it alone, at
 * the end of which the other side's close is waited for. Exit status 1: nobody hears. Static, for a guest without libraries. */
#include <linux/vm_sockets.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_vm host = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_HOST };
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);
	ssize_t n;
	char c;

	if (argc != 3 || fd < 0)
		return 2;
	host.svm_port = (unsigned)strtoul(argv[1], NULL, 10);
	if (connect(fd, (struct sockaddr *)&host, sizeof(host)) < 0)
		return 1;
	n = (ssize_t)strlen(argv[2]);
	if (write(fd, argv[2], (size_t)n) != n || shutdown(fd, SHUT_WR) < 0)
		return 1;
	return read(fd, &c, 1) == 0 ? 0 : 1;
}
