/* SPDX-License-Identifier: MIT */
/* kvmtool has no releases: this is its command line as of 2024-08 (builtin-run.c there). */
#include "language.h"
#include "limits.h"
#include "parts.h"

#include "../common/log.h"
#include "../common/owned.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

enum {
	KERNEL_COMMAND_LINE = 2047, /* COMMAND_LINE_SIZE of x86 - 1 */
	MOST_VOLUMES = 4,	    /* MAX_DISK_IMAGES */
	TAG_LENGTH = 32,	    /* MAX_TAG_LEN */
	SOCKET_LENGTH = 106,	    /* sizeof(sun_path) - 1 - the '/' that kvmtool writes twice */
};

static const char suffix[] = ".sock"; /* of its control socket */

struct command {
	const struct microvm *vm;
	const struct launch *launch;
	struct words *argv;
};

/* The socket is at $HOME/.lkvm/NAME.sock, whatever NAME is. */
static void add_name(const struct command *c)
{
	const char *socket = strrchr(c->launch->control, '/') + 1;

	words_add(c->argv, "--name");
	words_addf(c->argv, "%.*s", (int)(strlen(socket) - strlen(suffix)), socket);
}

static void add_memory(const struct command *c)
{
	struct text t = { 0 };

	add_size(&t, c->vm->mem);
	words_add(c->argv, "--mem");
	words_take(c->argv, t.at);
	if (c->vm->hugepage_mem) {
		words_add(c->argv, "--hugetlbfs");
		words_add(c->argv, huge_pages_folder);
	}
	if (c->vm->balloon)
		words_add(c->argv, "--balloon");
}

/* As kvmtool's own, which --nodefaults leaves out: there are no ACPI tables, no PCI host bridge
 * that is found by itself, and of the keyboard's controller just what a reboot needs. */
static char *command_line(const struct microvm *vm)
{
	return kernel_line(
		"noapic noacpi pci=conf1 reboot=k panic=-1 i8042.direct=1 i8042.dumbkbd=1 "
		"i8042.nopnp=1 i8042.noaux=1 console=ttyS0",
		vm);
}

static void add_boot(const struct command *c)
{
	/* Else a guest without disk and initrd gets the host's / as a share, and one with a disk
	 * gets root=/dev/vda. */
	words_add(c->argv, "--nodefaults");
	words_add(c->argv, "--kernel");
	words_add(c->argv, c->vm->kernel);
	if (c->vm->initrd_path) {
		words_add(c->argv, "--initrd");
		words_add(c->argv, c->vm->initrd_path);
	}
	words_add(c->argv, "--params");
	words_take(c->argv, command_line(c->vm));
}

static void add_volume(const struct command *c, const struct volume *v)
{
	OWNED(drop_str) char *path = volume_path(c->vm, v);

	words_add(c->argv, "--disk");
	words_addf(c->argv, "%s%s%s", path, v->read_only ? ",ro" : "", v->direct ? ",direct" : "");
}

static void add_interface(const struct command *c, const struct interface *i)
{
	struct text t = { 0 };

	if (i->type == NET_USER)
		text_add(&t, "mode=user");
	else if (i->type == NET_MACVTAP)
		/* Any path lets kvmtool take the descriptor as it is. */
		text_addf(&t, "mode=tap,tapif=/dev/tap,fd=%d", macvtap_fd(c->launch, i));
	else
		text_addf(&t, "mode=tap,tapif=%s", i->section.id);
	text_addf(&t, ",guest_mac=%s", i->mac);
	words_add(c->argv, "--network");
	words_take(c->argv, t.at);
}

static void add_interfaces(const struct command *c)
{
	for (each(struct interface, i, c->vm->interfaces))
		add_interface(c, i);
	if (c->vm->interfaces.count > 0)
		return;
	/* Else the guest gets one that nobody asked for. */
	words_add(c->argv, "--network");
	words_add(c->argv, "mode=none");
}

static void add_devices(const struct command *c)
{
	const struct microvm *vm = c->vm;

	for (each(struct volume, v, vm->volumes))
		add_volume(c, v);
	add_interfaces(c);
	for (each(struct share, s, vm->shares)) {
		OWNED(drop_str) char *source = share_source(vm, s);

		words_add(c->argv, "--9p");
		words_addf(c->argv, "%s,%s", source, s->section.id);
	}
	if (vm->vsock.cid) {
		words_add(c->argv, "--vsock");
		words_add(c->argv, vm->vsock.cid);
	}
	for (each(struct device, d, vm->devices)) {
		if (!device_is_given(d))
			continue;
		words_add(c->argv, "--vfio-pci");
		words_add(c->argv, d->path);
	}
	words_add(c->argv, "--rng");
}

static void kvmtool_command(const struct microvm *vm, const struct launch *launch,
			    struct words *argv)
{
	struct command c = { vm, launch, argv };

	words_add(argv, launch->program);
	words_add(argv, "run");
	add_name(&c);
	words_add(argv, "--loglevel");
	words_add(argv, "warning");
	words_add(argv, "--cpus");
	words_addf(argv, "%u", vm->vcpu);
	add_memory(&c);
	words_add(argv, "--console");
	words_add(argv, "serial");
	add_boot(&c);
	add_devices(&c);
	words_add_all(argv, &vm->kvmtool.extra_args);
}

/* Its bytes 4 to 15: version 2, no backing file; and 32 to 35: not encrypted. Whatever else an image says,
 * kvmtool reads it as if it were that, or, of another version, as a raw one. */
static bool is_plain_qcow2(const char *path)
{
	static const char plain[] = { 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0 };
	OWNED(drop_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char head[36];

	/* Who opens it tells what is wrong then. */
	if (fd < 0 || pread(fd, head, sizeof(head), 0) < 0)
		return true;
	return memcmp(head + 4, plain, sizeof(plain)) == 0 && memcmp(head + 32, plain + 4, 4) == 0;
}

static int refuse_other_qcow2(const struct microvm *vm)
{
	for (each(struct volume, v, vm->volumes)) {
		OWNED(drop_str) char *path = volume_path(vm, v);

		if (v->image_type != IMAGE_QCOW2 || is_plain_qcow2(path))
			continue;
		log_line(LEVEL_ERROR,
			 "volume %s: of qcow2 images kvmtool reads those of version 2 without a backing file, and %s is "
			 "none; qemu-img convert -O qcow2 -o compat=0.10 makes one of it",
			 v->section.id, path);
		return EXIT_REFUSED;
	}
	return EXIT_DONE;
}

/* Makes of the place where its control socket always is the one where ours is to be. */
static int kvmtool_prepare(const struct microvm *vm, const struct launch *launch)
{
	OWNED(drop_str) char *link = text_format("%s/.lkvm", launch->dir);
	OWNED(drop_str) char *folder = text_copy(launch->control);
	int r = refuse_no_bzimage(vm);

	if (r == EXIT_DONE)
		r = refuse_no_huge_pages_folder(vm);
	if (r == EXIT_DONE)
		r = refuse_other_images(vm);
	if (r == EXIT_DONE)
		r = refuse_other_qcow2(vm);
	if (r != EXIT_DONE)
		return r;
	strrchr(folder, '/')[1] = '\0';
	if ((unlink(link) < 0 && errno != ENOENT) || symlink(folder, link) < 0)
		return log_failure(-errno, "%s", link);
	return setenv("HOME", launch->dir, 1) < 0 ? log_failure(-errno, "HOME") : EXIT_DONE;
}

static void check_socket(const struct microvm *vm, struct problems *problems)
{
	OWNED(drop_str) char *socket = microvm_socket(vm);
	size_t n = socket ? strlen(socket) : 0;
	size_t end = strlen(suffix);

	check_socket_kept(vm, problems);
	if (!socket)
		return;
	if (n <= end || strcmp(socket + n - end, suffix) != 0 || socket[n - end - 1] == '/')
		problem_in(problems, &vm->section, "socket",
			   "'%s': the name of kvmtool's control socket always ends in %s", socket,
			   suffix);
	if (n > SOCKET_LENGTH)
		problem_in(
			problems, &vm->section, "socket",
			"'%s' is longer than the %d bytes that kvmtool's control socket may have",
			socket, SOCKET_LENGTH);
}

static void check_images(const struct microvm *vm, struct problems *problems)
{
	for (each(struct volume, v, vm->volumes))
		if (v->image_type == IMAGE_QCOW2 && !v->read_only)
			problem_in(problems, &v->section, "imageType",
				   "kvmtool only reads qcow2 images; write readOnly=yes, or "
				   "imageType=raw");
}

static void check_interfaces(const struct microvm *vm, struct problems *problems)
{
	const struct interface *user = NULL;

	for (each(struct interface, i, vm->interfaces)) {
		if (i->type != NET_USER)
			continue;
		if (user)
			problem_in(problems, &i->section, "type",
				   "kvmtool has one interface of type user at most, and [interface "
				   "%s] is it",
				   user->section.id);
		user = i;
	}
}

static void kvmtool_check(const struct microvm *vm, struct problems *problems)
{
	OWNED(drop_str) char *line = command_line(vm);

	check_huge_mem(vm, problems);
	check_kernel_line(line, KERNEL_COMMAND_LINE, vm, problems);
	check_separators(vm, ",", "", problems);
	check_socket(vm, problems);
	check_volume_count(vm, MOST_VOLUMES, problems);
	check_images(vm, problems);
	check_interfaces(vm, problems);
	check_tags(vm, SHARE_9P, TAG_LENGTH, problems);
	check_plain_9p(vm, problems);
}

static const char *kvmtool_package(const struct microvm *vm)
{
	return vm->kvmtool.package;
}

/* ---- its control socket (kvm-ipc.c there): numbers of the host, replies without a head ---- */

enum {
	IPC_DEBUG = 2,
	IPC_VMSTATE = 8,
	DEBUG_SYSRQ = 1 << 2,
};

struct ipc_head {
	uint32_t type, length;
};

struct ipc_debug {
	uint32_t what, cpu;
	char sysrq;
};

struct talk {
	bool greeted;		/* NEWS_OPEN was told */
	bool asked;		/* for the state, and not answered */
	unsigned keys;		/* that were pressed */
	unsigned char state[4]; /* of the reply */
	size_t heard;
};

static void *talk_begin(void)
{
	return must(calloc(1, sizeof(struct talk)));
}

static void talk_hear(void *talk, const char *bytes, size_t n)
{
	struct talk *t = talk;

	for (; n > 0 && t->heard < sizeof(t->state); n--)
		t->state[t->heard++] = (unsigned char)*bytes++;
}

static enum news judge(const struct talk *t)
{
	static const unsigned char runs[sizeof(t->state)];

	return memcmp(t->state, runs, sizeof(runs)) == 0 ? NEWS_YES : NEWS_NO;
}

static enum news talk_next(void *talk, struct text *send)
{
	struct talk *t = talk;

	(void)send;
	if (!t->greeted) {
		t->greeted = true;
		return NEWS_OPEN;
	}
	if (!t->asked || t->heard < sizeof(t->state))
		return NEWS_NONE;
	t->asked = false;
	return judge(t);
}

/* The guest's kernel writes all to its disks, then mounts them read-only, then resets the machine
 * (Documentation/admin-guide/sysrq.rst): a key each time that is asked, for the first two take
 * time. */
static void press_key(struct talk *t, struct text *send)
{
	static const char keys[] = "sub";
	const struct ipc_head head = { IPC_DEBUG, sizeof(struct ipc_debug) };
	const struct ipc_debug debug = { DEBUG_SYSRQ, 0, keys[t->keys++ % (sizeof(keys) - 1)] };

	text_add_bytes(send, (const char *)&head, sizeof(head));
	text_add_bytes(send, (const char *)&debug, sizeof(debug));
}

/* Of a key there is no reply: that of the state, behind it, tells that it is there. An open question is not asked
 * again: its reply could come, and then another in the middle. */
static void talk_ask(void *talk, const char *question, struct text *send)
{
	const struct ipc_head head = { IPC_VMSTATE, 0 };
	struct talk *t = talk;

	if (t->asked)
		return;
	if (strcmp(question, "sysrq") == 0)
		press_key(t, send);
	t->asked = true;
	t->heard = 0;
	text_add_bytes(send, (const char *)&head, sizeof(head));
}

const struct language language_kvmtool = {
	.socket = SOCK_STREAM,
	.begin = talk_begin,
	.hear = talk_hear,
	.next = talk_next,
	.ask = talk_ask,
	.drop = free,
};

const struct hypervisor hypervisor_kvmtool = {
	.name = "kvmtool",
	.mute = true,
	.terminal = true,
	.program = "lkvm",
	.can = CAN(HUGEPAGES) | CAN(BALLOON) | CAN(CONTROL_SOCKET) | CAN(NET_USER) | CAN(NET_TAP) |
	       CAN(NET_MACVTAP) | CAN(NET_BRIDGE) | CAN(IMAGE_QCOW2) | CAN(DIRECT) | CAN(SHARE_9P) |
	       CAN(PCI) | CAN(VSOCK) | CAN(GUEST_READINESS),
	/* Not VHOST_NET: with it kvmtool keeps the MAC address to itself (get_host_features() of virtio/net.c
	   there), and the guest has another at each boot. */
	.protocol = PROTOCOL_KVMTOOL,
	.ask_status = "vmstate",
	.ask_poweroff = "sysrq",
	/* It hands a key on when it looks for what is typed (serial8250__update_consoles() there). XON: no terminal
	   of a guest takes it for more than "go on". */
	.nudge = 0x11,
	.asks = "asked the guest's kernel (SysRq s, u, b) to write all to its disks and to reboot: "
		"kvmtool "
		"has no power button",
	/* A guest's poweroff does not end it: what does is a reboot, or a crash that looks the
	   same. */
	.restart = "always",
	.package = kvmtool_package,
	.check = kvmtool_check,
	.command = kvmtool_command,
	.prepare = kvmtool_prepare,
};
