/* SPDX-License-Identifier: MIT */
/* stratovirt 2.4 and 2.5 (machine_manager/src/cmdline.rs there). Its machine is always microvm: the
 * others need firmware of their own. */
#include "limits.h"
#include "parts.h"

#include "../common/log.h"
#include "../common/owned.h"

#include <inttypes.h>
#include <string.h>

enum {
	KERNEL_COMMAND_LINE =
		1500, /* of the 2047 that x86 reads: stratovirt adds a word per device */
	PARAMETER_LENGTH = 255,
	MOST_VCPUS = 254,
	LEAST_MEM = 128, /* MiB */
	MOST_VOLUMES = 4,
	MOST_INTERFACES = 2,
	MOST_OTHERS = 5, /* interrupts that volumes and interfaces leave */
	TAG_LENGTH = 35,
	PLUG_MIB = 32, /* virtio-mem comes in blocks of this */
	MOST_GIB = 512, /* with what is plugged in */
};

struct command {
	const struct microvm *vm;
	const struct launch *launch;
	struct words *argv;
};

static void add_machine(const struct command *c)
{
	const struct microvm *vm = c->vm;

	words_add(c->argv, "-name");
	words_add(c->argv, vm->name);
	words_add(c->argv, "-machine");
	words_addf(c->argv, "microvm,mem-share=%s", on_off(shares_memory(vm)));
	words_add(c->argv, "-smp");
	words_addf(c->argv, "%u", vm->vcpu);
	words_add(c->argv, "-m");
	if (vm->hotplug_mem > 0)
		words_addf(c->argv, "%" PRIu64 "M,maxmem=%" PRIu64 "M", vm->mem >> 20,
			   (vm->mem + vm->hotplug_mem) >> 20);
	else
		words_addf(c->argv, "%" PRIu64 "M", vm->mem >> 20);
	if (vm->hugepage_mem) {
		words_add(c->argv, "-mem-path");
		words_add(c->argv, huge_pages_folder);
	}
}

/* Behind all other memory, wherever the hole below 4 GiB begins: the place that 2.5.0 itself finds for it
 * can be in that hole. */
static uint64_t plug_address(const struct microvm *vm)
{
	const uint64_t gib = UINT64_C(1) << 30;

	return (4 * gib + vm->mem + gib - 1) / gib * gib;
}

static void add_plugged(const struct command *c)
{
	const struct microvm *vm = c->vm;
	bool told = section_sets(&vm->section, "hotpluggedMem");

	if (vm->hotplug_mem == 0)
		return;
	words_add(c->argv, "-object");
	words_addf(c->argv, "memory-backend-%s,id=plugged,size=%" PRIu64 "M,share=%s",
		   shares_memory(vm) ? "memfd" : "ram", vm->hotplug_mem >> 20, on_off(shares_memory(vm)));
	words_add(c->argv, "-device");
	words_addf(c->argv,
		   "virtio-mem-device,id=plug,memdev=plugged,memaddr=%" PRIu64 ",requested-size=%" PRIu64,
		   plug_address(vm), told ? vm->hotplugged_mem : vm->hotplug_mem);
}

/* A triple fault is the one reboot that the machine knows, and its only end: a poweroff halts it.
 */
static char *command_line(const struct microvm *vm)
{
	return kernel_line("console=" UART " pci=off reboot=t panic=-1", vm);
}

static void add_boot(const struct command *c)
{
	words_add(c->argv, "-kernel");
	words_add(c->argv, c->vm->kernel);
	if (c->vm->initrd_path) {
		words_add(c->argv, "-initrd");
		words_add(c->argv, c->vm->initrd_path);
	}
	words_add(c->argv, "-append");
	words_take(c->argv, command_line(c->vm));
}

static void add_volume(const struct command *c, const struct volume *v)
{
	OWNED(drop_str) char *path = volume_path(c->vm, v);

	words_add(c->argv, "-drive");
	/* Unless told otherwise it goes past the page cache. */
	words_addf(c->argv, "id=image-%s,file=%s,format=raw,readonly=%s,direct=%s,aio=%s",
		   v->section.id, path, on_off(v->read_only), on_off(v->direct),
		   v->direct ? "native" : "threads");
	words_add(c->argv, "-device");
	words_addf(c->argv, "virtio-blk-device,id=volume-%s,drive=image-%s,serial=%s",
		   v->section.id, v->section.id, volume_serial(v));
}

/* A build without the feature refuses it, so only where somebody asked. */
static bool asks_vhost(const struct launch *launch, const struct interface *i)
{
	return section_sets(&i->section, "tap.vhost") && wants_vhost(launch, i);
}

/* One queue, however many the host's end could have: a place for an interface has the two events of one. */
static void add_interface(const struct command *c, const struct interface *i)
{
	const char *id = i->section.id;
	struct text t = { 0 };

	text_addf(&t, "tap,id=net-%s,", id);
	if (i->type == NET_MACVTAP)
		text_addf(&t, "fd=%d", macvtap_fd(c->launch, i));
	else
		text_addf(&t, "ifname=%s", id);
	if (asks_vhost(c->launch, i))
		text_add(&t, ",vhost=on");
	words_add(c->argv, "-netdev");
	words_take(c->argv, t.at);
	words_add(c->argv, "-device");
	words_addf(c->argv, "virtio-net-device,id=interface-%s,netdev=net-%s,mac=%s", id, id,
		   i->mac);
}

static void add_share(const struct command *c, const struct share *s)
{
	OWNED(drop_str) char *socket = share_socket(c->vm, s);

	words_add(c->argv, "-chardev");
	words_addf(c->argv, "socket,id=virtiofsd-%s,path=%s", s->section.id, socket);
	words_add(c->argv, "-device");
	words_addf(c->argv, "vhost-user-fs-device,id=share-%s,chardev=virtiofsd-%s,tag=%s",
		   s->section.id, s->section.id, s->section.id);
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
		words_add(c->argv, "-device");
		words_addf(c->argv, "vhost-vsock-device,id=vsock,guest-cid=%s", vm->vsock.cid);
	}
	if (vm->balloon) {
		words_add(c->argv, "-device");
		words_addf(c->argv,
			   "virtio-balloon-device,id=balloon,deflate-on-oom=%s,"
			   "free-page-reporting=true",
			   vm->deflate_on_oom ? "true" : "false");
	}
	add_plugged(c);
}

static void stratovirt_command(const struct microvm *vm, const struct launch *launch,
			       struct words *argv)
{
	struct command c = { vm, launch, argv };

	words_add(argv, launch->program);
	add_machine(&c);
	add_boot(&c);
	words_add(argv, "-qmp");
	words_addf(argv, "unix:%s,server,nowait", launch->control);
	words_add(argv, "-serial");
	words_add(argv, "stdio");
	add_devices(&c);
	words_add_all(argv, &vm->stratovirt.extra_args);
}

static int stratovirt_prepare(const struct microvm *vm, const struct launch *launch)
{
	int r = refuse_no_bzimage(vm);

	(void)launch;
	return r == EXIT_DONE ? refuse_no_huge_pages_folder(vm) : r;
}

/* A quote keeps the blanks behind it. */
static size_t word_length(const char *line)
{
	bool quoted = false;
	size_t n = 0;

	for (; line[n] && (quoted || line[n] != ' '); n++)
		quoted ^= line[n] == '"';
	return n;
}

static void check_parameters(const struct microvm *vm, const char *line, struct problems *problems)
{
	for (; *line; line += strspn(line, " ")) {
		size_t n = word_length(line), name = strcspn(line, "=") + 1;

		if (n > (name < n ? name : 0) + PARAMETER_LENGTH)
			problem_in(
				problems, &vm->section, "kernelParams",
				"'%.*s' has a value longer than the %d bytes that stratovirt takes",
				(int)n, line, PARAMETER_LENGTH);
		line += n;
	}
}

static bool may_ask_vhost(const struct interface *i)
{
	return section_sets(&i->section, "tap.vhost") && i->tap_vhost;
}

/* Slots for volumes and interfaces are always there; all else shares the interrupts that are left.
 */
static void check_devices(const struct microvm *vm, struct problems *problems)
{
	size_t interfaces = 0;
	size_t others = vm->shares.count + (vm->vsock.cid != NULL) + vm->balloon + (vm->hotplug_mem > 0);

	for (each(struct interface, i, vm->interfaces))
		*(may_ask_vhost(i) ? &others : &interfaces) += 1;
	check_volume_count(vm, MOST_VOLUMES, problems);
	if (interfaces > MOST_INTERFACES)
		problem_in(problems, &vm->section, NULL,
			   "stratovirt takes no more than %d interfaces without tap.vhost",
			   MOST_INTERFACES);
	if (others > MOST_OTHERS)
		problem_in(problems, &vm->section, NULL,
			   "%zu shares, interfaces with tap.vhost, vsock, balloon and hotplugMem are more "
			   "than the %d that fit into stratovirt's machine",
			   others, MOST_OTHERS);
}

static void check_block(const struct microvm *vm, const char *key, uint64_t bytes, struct problems *problems)
{
	if (bytes % ((uint64_t)PLUG_MIB << 20) != 0)
		problem_in(problems, &vm->section, key, "is not a multiple of %dM", PLUG_MIB);
}

static void check_plugged(const struct microvm *vm, struct problems *problems)
{
	const uint64_t most = (uint64_t)MOST_GIB << 30;

	check_block(vm, "hotplugMem", vm->hotplug_mem, problems);
	check_block(vm, "hotpluggedMem", vm->hotplugged_mem, problems);
	if (vm->hotplug_mem > 0 && vm->hugepage_mem)
		problem_in(problems, &vm->section, "hotplugMem",
			   "stratovirt plugs in no huge pages; leave it out, or hugepageMem");
	if (vm->mem > most || vm->hotplug_mem > most - vm->mem)
		problem_in(problems, &vm->section, vm->hotplug_mem > 0 ? "hotplugMem" : "mem",
			   "stratovirt takes no more than %dG in all", MOST_GIB);
}

static void stratovirt_check(const struct microvm *vm, struct problems *problems)
{
	OWNED(drop_str) char *line = command_line(vm);

	check_huge_mem(vm, problems);
	check_kernel_line(line, KERNEL_COMMAND_LINE, vm, problems);
	check_parameters(vm, line, problems);
	check_separators(vm, ",=", ",=", problems);
	check_socket_kept(vm, problems);
	check_whole_mib(vm, problems);
	if (vm->mem >> 20 < LEAST_MEM)
		problem_in(problems, &vm->section, "mem", "stratovirt takes no less than %dM",
			   LEAST_MEM);
	check_plugged(vm, problems);
	check_vcpus(vm, MOST_VCPUS, problems);
	check_serials(vm, problems);
	check_tags(vm, SHARE_VIRTIOFS, TAG_LENGTH, problems);
	check_devices(vm, problems);
}

static bool stratovirt_needs_release(const struct microvm *vm)
{
	return vm->hotplug_mem > 0;
}

static void stratovirt_check_release(const struct microvm *vm, unsigned release, struct problems *problems)
{
	check_too_old(vm, &vm->section, "hotplugMem", release, RELEASE(2, 5), problems);
}

static const char *stratovirt_package(const struct microvm *vm)
{
	return vm->stratovirt.package;
}

static const struct balloon balloon = {
	.ask = "query-balloon",
	.left = "actual",
	.counts_plugged = true,
	.set = "balloon {\"value\":%ju}",
	.sets_left = true,
	.unit = 1,
};

const struct hypervisor hypervisor_stratovirt = {
	.name = "stratovirt",
	.program = "stratovirt",
	.terminal = true,
	.can = CAN(HUGEPAGES) | CAN(VIRTIO_MEM) | CAN(BALLOON) | CAN(DEFLATE_ON_OOM) | CAN(CONTROL_SOCKET) |
	       CAN(NET_TAP) | CAN(NET_MACVTAP) | CAN(NET_BRIDGE) | CAN(VHOST_NET) | CAN(DIRECT) |
	       CAN(SERIAL) | CAN(SHARE_VIRTIOFS) | CAN(VSOCK) | CAN(GUEST_READINESS),
	.protocol = PROTOCOL_QMP,
	.ask_status = "query-status",
	.ends_with = "reboot",
	.balloon = &balloon,
	.ask_release = "-version",
	/* A guest's poweroff does not end it, a reboot does, with 0. */
	.restart = "always",
	.package = stratovirt_package,
	.check = stratovirt_check,
	.needs_release = stratovirt_needs_release,
	.check_release = stratovirt_check_release,
	.command = stratovirt_command,
	.prepare = stratovirt_prepare,
};
