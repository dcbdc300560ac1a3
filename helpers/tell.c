/* SPDX-License-Identifier: MIT */
#include "tell.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

char *tell_name_of(const char *instance)
{
	return text_format("%.*s", (int)strcspn(instance, ":"), instance);
}

/* systemd.journal-fields(7) */
void tell_microvm(const char *name, const char *who, const char *message)
{
	struct sockaddr_un journal = { AF_UNIX, "/run/systemd/journal/socket" };
	OWNED(drop_str) char *fields = text_format("MESSAGE=%s\nPRIORITY=%d\nOBJECT_SYSTEMD_UNIT=microvm@%s.service\n"
						   "SYSLOG_IDENTIFIER=%s\n",
						   message, LEVEL_ERROR, name, who);
	OWNED(drop_fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || sendto(fd, fields, strlen(fields), MSG_NOSIGNAL | MSG_DONTWAIT,
			     (struct sockaddr *)&journal, sizeof(journal)) < 0)
		log_line(LEVEL_ERROR, "%s", message);
}
