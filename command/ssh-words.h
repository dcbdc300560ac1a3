/* SPDX-License-Identifier: MIT */
/* ssh-words.h: which way leads to the sshd of a guest, and how ssh(1) is told. */
#pragma once

#include "../common/words.h"
#include "../config/model.h"

enum ssh_way {
	SSH_NOWHERE,
	SSH_FORWARDED, /* a port of the host, by [forwardPort] */
	SSH_CID,       /* the kernel's vsock */
	SSH_SOCKET,    /* the vsock that a hypervisor keeps behind a Unix socket */
};

/* VM as its start noted it. */
enum ssh_way ssh_way(const struct microvm *vm);

/* Adds the whole command line that goes this way, which is not SSH_NOWHERE. SYSTEMD_PROXY is the path of
 * systemd-ssh-proxy, NULL where there is none; USER may be NULL; MORE is ssh's: options, then a command. */
void ssh_words(const struct microvm *vm, enum ssh_way way, const char *systemd_proxy, const char *user,
	       char *const *more, struct words *ret);
