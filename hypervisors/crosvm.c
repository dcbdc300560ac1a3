/* SPDX-License-Identifier: MIT */
/* crosvm has no releases: this is its command line as of 2026 (src/crosvm/cmdline.rs there). */
#include "language.h"
#include "limits.h"
#include "parts.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../config/keys.h"

#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

enum { KERNEL_COMMAND_LINE = 2047 }; /* CMDLINE_MAX_SIZE - 1; crosvm adds its own words to it */

struct command {
	const struct microvm *vm;
	const struct launch *launch;
	struct words *argv;
};

/* A value in a list of key=value: quoted where a byte of it would end it (serde_keyvalue). */
static char *value_text(const char *value)
{
	struct text t = { 0 };

	if (!strpbrk(value, ",[]\"'"))
		return text_copy(value);
	text_add(&t, "\"");
	for (; *value; value++)
		text_addf(&t, strchr("\"\\", *value) ? "\\%c" : "%c", *value);
	text_add(&t, "\"");
	return t.at;
}

static void add_name(const struct command *c)
{
	if (!c->vm->pretty_procnames)
		return;
	words_add(c->argv, "--name");
	words_addf(c->argv, "microvm@%s", c->vm->name);
}

static void add_balloon(const struct command *c)
{
	const struct microvm *vm = c->vm;

	if (!vm->balloon) {
		words_add(c->argv, "--no-balloon");
		return;
	}
	words_add(c->argv, "--balloon-page-reporting");
	words_add(c->argv, "--init-mem");
	words_addf(c->argv, "%" PRIu64, (vm->mem - vm->initial_balloon_mem) >> 20);
}

static void add_machine(const struct command *c)
{
	words_add(c->argv, "--cpus");
	words_addf(c->argv, "num-cores=%u", c->vm->vcpu);
	words_add(c->argv, "--mem");
	words_addf(c->argv, "size=%" PRIu64, c->vm->mem >> 20);
	add_balloon(c);
	words_add(c->argv, "--smbios");
	words_addf(c->argv, "uuid=%s", c->vm->machine_id);
	words_add(c->argv, "--no-usb");
	words_add(c->argv, "--serial");
	words_add(c->argv, "type=stdout,hardware=serial,num=1,console=true,stdin=true");
}

/* Its sandbox is a process with namespaces of its own for each device. A unit without privileges
 * can make none, and is the sandbox itself. */
static void add_sandbox(const struct command *c)
{
	words_add(c->argv, "--disable-sandbox");
}

static void add_volume(const struct command *c, const struct volume *v)
{
	OWNED(drop_str) char *path = volume_path(c->vm, v);
	OWNED(drop_str) char *image = value_text(path);
	OWNED(drop_str) char *serial = value_text(volume_serial(v));

	words_add(c->argv, "--block");
	/* lock: the lock that microvm-run took and crosvm inherits would be in its way. */
	words_addf(c->argv, "path=%s,ro=%s,direct=%s,lock=false,id=%s", image,
		   v->read_only ? "true" : "false", v->direct ? "true" : "false", serial);
}

static void add_interface(const struct command *c, const struct interface *i)
{
	struct text t = { 0 };

	if (i->type == NET_MACVTAP)
		text_addf(&t, "tap-fd=%d", macvtap_fd(c->launch, i));
	else
		text_addf(&t, "tap-name=%s", i->section.id);
	text_addf(&t, ",mac=%s", i->mac);
	/* Only without it does the guest learn the MTU, which crosvm reads from the tap. */
	if (wants_vhost(c->launch, i) && i->mtu == 0)
		text_add(&t, ",vhost-net");
	words_add(c->argv, "--net");
	words_take(c->argv, t.at);
}

static void add_share(const struct command *c, const struct share *s)
{
	OWNED(drop_str) char *socket = share_socket(c->vm, s);
	OWNED(drop_str) char *value = value_text(socket);
	OWNED(drop_str) char *source = share_source(c->vm, s);

	if (s->proto == SHARE_VIRTIOFS) {
		words_add(c->argv, "--vhost-user");
		words_addf(c->argv, "type=fs,socket=%s", value);
	} else {
		words_add(c->argv, "--shared-dir");
		words_addf(c->argv, "%s:%s:type=p9", source, s->section.id);
	}
}

static void add_devices(const struct command *c)
{
	const struct microvm *vm = c->vm;

	for (each(struct volume, v, vm->volumes))
		add_volume(c, v);
	for (each(struct interface, i, vm->interfaces))
		add_interface(c, i);
	for (each(struct share, s, vm->shares))
		add_share(c, s);
	if (vm->vsock.cid) {
		words_add(c->argv, "--vsock");
		words_addf(c->argv, "cid=%s", vm->vsock.cid);
	}
	for (each(struct device, d, vm->devices)) {
		if (!device_is_given(d))
			continue;
		words_add(c->argv, "--vfio");
		words_addf(c->argv, "/sys/bus/pci/devices/%s,iommu=off", d->path);
	}
}

/* Without a GPU of the host it draws nothing but flat pictures. */
static void add_graphics(const struct command *c)
{
	const struct graphics *g = &c->vm->graphics;
	OWNED(drop_str) char *socket = g->socket ? value_text(g->socket) : NULL;
	struct text t = { 0 };

	if (!g->enable)
		return;
	words_add(c->argv, socket ? "--vhost-user" : "--gpu");
	if (socket) {
		words_addf(c->argv, "type=gpu,socket=%s", socket);
		return;
	}
	text_addf(&t, "backend=%s", c->launch->render_node ? "virglrenderer" : "2d");
	if (g->vulkan)
		text_add(&t, ",vulkan=true");
	if (section_sets(&g->section, "hostmem"))
		text_addf(&t, ",pci-bar-size=%" PRIu64, g->hostmem);
	words_take(c->argv, t.at);
}

/* crosvm's own words, console= and panic=-1, stand before these. */
static char *command_line(const struct microvm *vm)
{
	return kernel_line("reboot=k", vm);
}

static void add_boot(const struct command *c)
{
	const struct microvm *vm = c->vm;

	if (vm->firmware) {
		words_add(c->argv, "--bios");
		words_add(c->argv, vm->firmware);
		return;
	}
	if (vm->initrd_path) {
		words_add(c->argv, "--initrd");
		words_add(c->argv, vm->initrd_path);
	}
	words_add(c->argv, "--params");
	words_take(c->argv, command_line(vm));
}

static void crosvm_command(const struct microvm *vm, const struct launch *launch,
			   struct words *argv)
{
	struct command c = { vm, launch, argv };

	words_add(argv, launch->program);
	/* Else a reset, a crash and a panic end with 0, as a poweroff does. */
	words_add(argv, "--extended-status");
	words_add(argv, "--no-syslog");
	words_add(argv, "run");
	add_name(&c);
	add_machine(&c);
	add_sandbox(&c);
	if (launch->control) {
		words_add(argv, "--socket");
		words_add(argv, launch->control);
	}
	add_devices(&c);
	add_graphics(&c);
	add_boot(&c);
	words_add_all(argv, &vm->crosvm.extra_args);
	if (!vm->firmware)
		words_add(argv, vm->kernel);
}

static void check_shares(const struct microvm *vm, struct problems *problems)
{
	for (each(struct share, s, vm->shares)) {
		OWNED(drop_str) char *source = s->source ? share_source(vm, s) : NULL;

		if (s->proto == SHARE_9P && source && strchr(source, ':'))
			problem_in(problems, &s->section, "source",
				   "'%s': crosvm has no way to write the ':' in it; write "
				   "proto=virtiofs",
				   source);
	}
}

static void check_balloon(const struct microvm *vm, struct problems *problems)
{
	const struct section *s = &vm->section;

	if (vm->initial_balloon_mem % (1 << 20) != 0)
		problem_in(problems, s, "initialBalloonMem", "crosvm takes no parts of a MiB");
	if (vm->balloon && section_sets(s, "deflateOnOOM") && !vm->deflate_on_oom)
		problem_in(problems, s, "deflateOnOOM",
			   "crosvm's balloon always deflates then; leave it out");
}

static void check_sandbox(const struct microvm *vm, struct problems *problems)
{
	const struct section *s = &vm->crosvm.section;

	if (section_sets(s, "pivotRoot"))
		problem_in(problems, s, "pivotRoot",
			   "is for crosvm's own sandbox, which needs namespaces that the MicroVM's unit "
			   "lets nobody make; the unit is the sandbox, leave the key out");
}

static void crosvm_check(const struct microvm *vm, struct problems *problems)
{
	OWNED(drop_str) char *line = command_line(vm);

	check_kernel_or_firmware(vm, problems);
	check_kernel_line(line, KERNEL_COMMAND_LINE, vm, problems);
	check_whole_mib(vm, problems);
	check_serials(vm, problems);
	check_balloon(vm, problems);
	check_plain_9p(vm, problems);
	check_shares(vm, problems);
	check_sandbox(vm, problems);
}

/* crosvm reads the MTU of its interfaces from the host by their names. A reboot that nobody follows
 * with a start is no failure; one that is followed has to be one, or else ExecStop= runs in between
 * and what is bound to the unit ends it for good. */
static void crosvm_settings(const struct microvm *vm, struct words *ret)
{
	if (section_sets(&vm->section, "restart") && vm->restart == RESTART_NO)
		words_add(ret, "SuccessExitStatus=32");
	render_settings(vm, ret);
	if (vm->interfaces.count == 0)
		return;
	words_add(ret, "PrivateNetwork=no");
	words_add(ret, "RestrictAddressFamilies=AF_INET");
}

static int crosvm_prepare(const struct microvm *vm, const struct launch *launch)
{
	int r = refuse_no_gpu(vm, launch);

	return r == EXIT_DONE ? refuse_other_images(vm) : r;
}

static const char *crosvm_package(const struct microvm *vm)
{
	return vm->crosvm.package;
}

/* ---- its control socket: a packet is one JSON value, and each request has one reply ---- */

struct talk {
	struct text packet; /* the last one, not judged yet */
	bool greeted;	    /* NEWS_OPEN was told */
	bool asked;	    /* and not answered */
	struct text reply;  /* the last one */
};

static void *talk_begin(void)
{
	return must(calloc(1, sizeof(struct talk)));
}

static void talk_drop(void *talk)
{
	struct talk *t = talk;

	drop_text(&t->packet);
	drop_text(&t->reply);
	free(t);
}

static void talk_hear(void *talk, const char *bytes, size_t n)
{
	struct talk *t = talk;

	drop_text(&t->packet);
	text_add_bytes(&t->packet, bytes, n);
}

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* By its first bytes: of a MicroVM with hundreds of CPUs the rest does not fit into what is
 * received. */
static enum news judge(const char *reply)
{
	if (strcmp(reply, "\"Ok\"") == 0 || starts_with(reply, "{\"VcpuPidTidResponse\":") ||
	    starts_with(reply, "{\"BalloonStats\":"))
		return NEWS_YES;
	if (starts_with(reply, "{\"Err\":") || starts_with(reply, "{\"ErrString\":"))
		return NEWS_NO;
	return NEWS_NONE;
}

static enum news talk_next(void *talk, struct text *send)
{
	struct talk *t = talk;
	enum news news = NEWS_NONE;

	(void)send;
	if (!t->greeted) {
		t->greeted = true;
		return NEWS_OPEN;
	}
	if (t->asked && t->packet.at)
		news = judge(t->packet.at);
	if (news == NEWS_NONE) {
		drop_text(&t->packet);
		return news;
	}
	t->asked = false;
	drop_text(&t->reply);
	if (news == NEWS_NO)
		drop_text(&t->packet);
	t->reply = t->packet;
	t->packet = (struct text){ 0 };
	return news;
}

static void talk_ask(void *talk, const char *question, struct text *send)
{
	struct talk *t = talk;

	t->asked = true;
	text_add(send, question);
}

static const char *talk_reply(void *talk)
{
	struct talk *t = talk;

	return t->reply.at;
}

const struct language language_crosvm = {
	.socket = SOCK_SEQPACKET,
	.begin = talk_begin,
	.hear = talk_hear,
	.next = talk_next,
	.ask = talk_ask,
	.reply = talk_reply,
	.drop = talk_drop,
};

static const struct balloon balloon = {
	.ask = "{\"BalloonCommand\":\"Stats\"}",
	.has = "BalloonStats.balloon_actual",
	.set = "{\"BalloonCommand\":{\"Adjust\":{\"num_bytes\":%ju,\"wait_for_success\":false}}}",
	.unit = 1,
};

const struct hypervisor hypervisor_crosvm = {
	.name = "crosvm",
	.terminal = true,
	.program = "crosvm",
	.names_process = true,
	.tagless = true,
	.can = CAN(BALLOON) | CAN(INITIAL_BALLOON) | CAN(DEFLATE_ON_OOM) | CAN(MACHINE_ID) |
	       CAN(CONTROL_SOCKET) | CAN(FIRMWARE) | CAN(GRAPHICS) | CAN(NET_TAP) | CAN(NET_MACVTAP) |
	       CAN(NET_BRIDGE) | CAN(VHOST_NET) | CAN(MTU) | CAN(IMAGE_QCOW2) | CAN(DIRECT) |
	       CAN(SERIAL) | CAN(SHARE_9P) | CAN(SHARE_VIRTIOFS) | CAN(PCI) | CAN(VSOCK) | CAN(GUEST_READINESS),
	.protocol = PROTOCOL_CROSVM,
	.ask_status = "\"VcpuPidTid\"",
	.ask_poweroff = "\"Powerbtn\"",
	.balloon = &balloon,
	/* A poweroff is exit code 0, a crash or panic another, and a reboot one of its own. */
	.restart = "on-failure",
	.exit_reboot = "32",
	.package = crosvm_package,
	.check = crosvm_check,
	.command = crosvm_command,
	.settings = crosvm_settings,
	.prepare = crosvm_prepare,
};
