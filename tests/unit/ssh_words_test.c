/* SPDX-License-Identifier: MIT */
/* Which way microvm ssh goes, and what ssh is told. */
#include "command/ssh-words.h"
#include "common/owned.h"
#include "common/text.h"
#include "config/arguments.h"
#include "paths.h"
#include "result.h"

#define SAFE " -o HostKeyAlias=microvm-web -o StrictHostKeyChecking=accept-new "
#define OWN_PROXY "ssh -o ProxyCommand=" HELPERDIR "/microvm-ssh-proxy web %p -o ProxyUseFdpass=yes" SAFE
#define SYSTEMD_PROXY "ssh -o ProxyCommand=/proxy vsock/42 %p -o ProxyUseFdpass=yes" SAFE
#define FORWARDED(ADDRESS, PORT) "ssh -o HostName=" ADDRESS " -p " PORT SAFE

#define CID "vsock.cid=42"
#define SSH "vsock.ssh.enable=yes"
#define FORWARD "forwardPort.ssh.guest.port=22", "forwardPort.ssh.host.port=2222"

static const struct row {
	const char *name;
	const char *words[8];
	const char *systemd_proxy;
	const char *user;
	const char *more[6];
	const char *want; /* NULL: nothing leads there */
} rows[] = {
	{ "a number and systemd's proxy", { CID, SSH }, "/proxy", NULL, { NULL }, SYSTEMD_PROXY "microvm-web" },
	{ "a number alone", { CID, SSH }, NULL, NULL, { NULL }, OWN_PROXY "microvm-web" },
	{ "a number of who has not said that sshd is there", { CID }, NULL, NULL, { NULL }, OWN_PROXY "microvm-web" },
	{ "a socket", { CID, SSH, "microvm.hypervisor=firecracker" }, NULL, NULL, { NULL }, OWN_PROXY "microvm-web" },
	{ "a socket is not for systemd's proxy", { CID, SSH, "microvm.hypervisor=cloud-hypervisor" }, "/proxy", NULL,
	  { NULL }, OWN_PROXY "microvm-web" },
	{ "a user and a command", { CID, SSH }, "/proxy", "me", { "--", "ls", "-l", "a b" },
	  SYSTEMD_PROXY "-l me microvm-web -- ls -l a b" },
	{ "options of ssh", { CID, SSH }, "/proxy", NULL, { "-N", "-L", "80:localhost:80" },
	  SYSTEMD_PROXY "microvm-web -N -L 80:localhost:80" },
	{ "a port of all addresses", { FORWARD }, "/proxy", NULL, { NULL }, FORWARDED("127.0.0.1", "2222") "microvm-web" },
	{ "the same, written down", { FORWARD, "forwardPort.ssh.host.address=0.0.0.0" }, NULL, NULL, { NULL },
	  FORWARDED("127.0.0.1", "2222") "microvm-web" },
	{ "a port of one address", { FORWARD, "forwardPort.ssh.host.address=192.0.2.1" }, NULL, "me", { "true" },
	  FORWARDED("192.0.2.1", "2222") "-l me microvm-web true" },
	{ "the second port", { "forwardPort.a.guest.port=80", "forwardPort.a.host.port=8080", FORWARD }, NULL, NULL,
	  { NULL }, FORWARDED("127.0.0.1", "2222") "microvm-web" },
	{ "both, and sshd is on vsock", { CID, SSH, FORWARD }, "/proxy", NULL, { NULL }, SYSTEMD_PROXY "microvm-web" },
	{ "both, and sshd need not be on vsock", { CID, FORWARD }, "/proxy", NULL, { NULL },
	  FORWARDED("127.0.0.1", "2222") "microvm-web" },
	{ "another port", { "forwardPort.a.guest.port=80", "forwardPort.a.host.port=22" }, "/proxy", NULL, { NULL }, NULL },
	{ "a port of the host", { FORWARD, "forwardPort.ssh.from=guest" }, "/proxy", NULL, { NULL }, NULL },
	{ "a port of another protocol", { FORWARD, "forwardPort.ssh.proto=udp" }, "/proxy", NULL, { NULL }, NULL },
	{ "nothing", { NULL }, "/proxy", NULL, { NULL }, NULL },
};

static char *joined(const struct words *w)
{
	struct text t = { 0 };

	for (size_t i = 0; i < w->count; i++)
		text_addf(&t, "%s%s", i ? " " : "", w->at[i]);
	return t.at;
}

static void check(const struct row *row)
{
	OWNED(drop_problems) struct problems problems = { 0 };
	OWNED(drop_words) struct words argv = { 0 };
	OWNED(drop_str) char *have = NULL;
	OWNED(drop_microvm) struct microvm vm;
	enum ssh_way way;

	microvm_init(&vm, "web");
	ok(arguments_read(&vm, (char **)row->words, &problems) == 0, "words are read");
	way = ssh_way(&vm);
	if (way != SSH_NOWHERE)
		ssh_words(&vm, way, row->systemd_proxy, row->user, (char **)row->more, &argv);
	have = joined(&argv);
	equal(row->want, have, row->name);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check(&rows[i]);
	return finish();
}
