/* SPDX-License-Identifier: MIT */
#include "ssh-words.h"

#include "../common/owned.h"
#include "../common/text.h"
#include "../hypervisors/hypervisor.h"
#include "paths.h"

#include <string.h>

enum { SSH_PORT = 22 };

static const struct forward_port *forward_find(const struct microvm *vm)
{
	for (each(struct forward_port, f, vm->forward_ports))
		if (f->from == FORWARD_HOST && f->proto == PROTO_TCP && f->guest_port == SSH_PORT)
			return f;
	return NULL;
}

enum ssh_way ssh_way(const struct microvm *vm)
{
	/* Without ssh.enable the guest may have an sshd on vsock that somebody set up there; one behind
	 * a forwarded port is likelier. */
	if (forward_find(vm) && !(vm->vsock.cid && vm->vsock.ssh_enable))
		return SSH_FORWARDED;
	if (!vm->vsock.cid)
		return SSH_NOWHERE;
	return hypervisor_uses_vhost_vsock(vm) ? SSH_CID : SSH_SOCKET;
}

static void forward_add(const struct forward_port *f, struct words *ret)
{
	bool everywhere = !f->host_address || strcmp(f->host_address, "0.0.0.0") == 0;

	words_add(ret, "-o");
	words_addf(ret, "HostName=%s", everywhere ? "127.0.0.1" : f->host_address);
	words_add(ret, "-p");
	words_addf(ret, "%u", f->host_port);
}

/* systemd's does not go through a socket: that of 257 leaves the hypervisor's answer in front of what the guest says, and a
 * port that nobody listens on is no error to it. */
static void proxy_add(const struct microvm *vm, enum ssh_way way, const char *systemd_proxy, struct words *ret)
{
	words_add(ret, "-o");
	if (way == SSH_CID && systemd_proxy)
		words_addf(ret, "ProxyCommand=%s vsock/%s %%p", systemd_proxy, vm->vsock.cid);
	else
		words_addf(ret, "ProxyCommand=" HELPERDIR "/microvm-ssh-proxy %s %%p", vm->name);
	words_add(ret, "-o");
	words_add(ret, "ProxyUseFdpass=yes");
}

void ssh_words(const struct microvm *vm, enum ssh_way way, const char *systemd_proxy, const char *user,
	       char *const *more, struct words *ret)
{
	words_add(ret, "ssh");
	if (way == SSH_FORWARDED)
		forward_add(forward_find(vm), ret);
	else
		proxy_add(vm, way, systemd_proxy, ret);
	/* A guest keeps its key when its number or port is another one. The first time nobody need be asked: nothing
	 * stands between it and the host that runs it. */
	words_add(ret, "-o");
	words_addf(ret, "HostKeyAlias=microvm-%s", vm->name);
	words_add(ret, "-o");
	words_add(ret, "StrictHostKeyChecking=accept-new");
	if (user) {
		words_add(ret, "-l");
		words_add(ret, user);
	}
	words_addf(ret, "microvm-%s", vm->name);
	for (; *more; more++)
		words_add(ret, *more);
}
