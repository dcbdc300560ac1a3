/* SPDX-License-Identifier: MIT */
#include "hypervisor.h"

#include "parts.h"

#include "../common/owned.h"
#include "../common/text.h"
#include "../config/keys.h"
#include "paths.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	KERNEL_COMMAND_LINE = 2047, /* COMMAND_LINE_SIZE of x86 - 1; the guest hangs with more */
	COMM_LENGTH = 15,	    /* TASK_COMM_LEN - 1 */
	MMIO_SLOTS = 24,	    /* of the machine microvm with ACPI */
	PCI_SLOTS = 30,		    /* of q35: 32 without those of the chipset */
	TAG_9P_LENGTH = 31,
	CREDENTIAL_LENGTH = 28,	    /* what fw_cfg's 55 leave behind "opt/io.systemd.credentials/" */
};

struct machine {
	const char *type;
	bool kvm;
	bool pci; /* else virtio devices are on MMIO */
};

struct command {
	const struct microvm *vm;
	const struct launch *launch;
	struct machine machine;
	struct words *argv;
};

/* A value for a list of options that commas separate: a comma in it is written twice. */
static char *comma_text(const char *value)
{
	struct text t = { 0 };

	text_add(&t, "");
	for (; *value; value++)
		text_add_bytes(&t, *value == ',' ? ",," : value, *value == ',' ? 2 : 1);
	return t.at;
}

/* The source of random numbers, and what memory asks for. */
static size_t own_devices(const struct microvm *vm)
{
	return 1 + vm->balloon + (vm->hotplug_mem > 0);
}

static size_t device_count(const struct microvm *vm)
{
	return vm->volumes.count + vm->interfaces.count + vm->shares.count + own_devices(vm);
}

/* Devices of the host want slots that they can be pulled out of, which the machine microvm has not. */
static bool needs_ports(const struct microvm *vm)
{
	return vm->devices.count > 0 || vm->qemu.pcie_root_ports > 0;
}

/* Whether anything needs a bus that the machine microvm does not have by itself. */
static bool needs_pci(const struct microvm *vm)
{
	return device_count(vm) > MMIO_SLOTS || vm->devices.count > 0;
}

/* The value of one of the user's options of the machine, or NULL. */
static const char *machine_option(const struct microvm *vm, const char *name)
{
	size_t n = strlen(name);
	const char *ret = NULL;

	for (size_t i = 0; i < vm->qemu.machine_opts.count; i++) {
		const char *word = vm->qemu.machine_opts.at[i];

		if (strncmp(word, name, n) == 0 && word[n] == '=')
			ret = word + n + 1;
	}
	return ret;
}

static struct machine machine_of(const struct microvm *vm, bool host_kvm)
{
	const char *accel = machine_option(vm, "accel"), *pcie = machine_option(vm, "pcie");
	bool kvm = host_kvm && (!accel || strncmp(accel, "kvm", 3) == 0);
	struct machine m = { .type = vm->qemu.machine, .kvm = kvm };

	/* Emulated, the machine microvm has no clock that a kernel finds by itself; virtio-mem is taken
	 * by it, and does not work then. */
	if (!m.type)
		m.type = kvm && vm->hotplug_mem == 0 && !needs_ports(vm) ? "microvm" : "q35";
	m.pci = strcmp(m.type, "microvm") != 0 ||
		(vm->qemu.machine_opts.count > 0 ? pcie && strcmp(pcie, "on") == 0 : needs_pci(vm));
	return m;
}

static bool is_microvm(const struct machine *m)
{
	return strcmp(m->type, "microvm") == 0;
}

/* Memory that is more than plain has an object of its own. */
static bool has_memory_backend(const struct microvm *vm)
{
	return shares_memory(vm) || vm->hugepage_mem;
}

static void add_machine_opts(struct text *t, const struct words *opts)
{
	for (size_t i = 0; i < opts->count; i++)
		text_addf(t, ",%s", opts->at[i]);
}

static void add_machine(const struct command *c)
{
	const struct machine *m = &c->machine;
	struct text t = { 0 };

	text_add(&t, m->type);
	if (!machine_option(c->vm, "accel"))
		text_addf(&t, ",accel=%s", m->kvm ? "kvm" : "tcg");
	if (c->vm->qemu.machine_opts.count > 0)
		add_machine_opts(&t, &c->vm->qemu.machine_opts);
	else if (is_microvm(m))
		/* acpi: the power button and a poweroff that ends qemu. rtc: a guest that does not
		 * find one waits for it twice. */
		text_addf(&t, ",acpi=on,pcie=%s,pit=off,pic=off,rtc=on", m->pci ? "on" : "off");
	else if (strcmp(m->type, "q35") == 0)
		text_add(&t, ",vmport=off,smbus=off,sata=off,usb=off,i8042=off");
	if (has_memory_backend(c->vm))
		text_add(&t, ",memory-backend=ram");
	words_add(c->argv, "-machine");
	words_take(c->argv, t.at);
	words_add(c->argv, "-cpu");
	words_add(c->argv, m->kvm ? "host" : "max");
}

static void add_name(const struct command *c)
{
	struct text t = { 0 };

	text_addf(&t, "guest=%s,debug-threads=on", c->vm->name);
	if (c->vm->pretty_procnames) {
		OWNED(drop_str) char *comm = text_format("microvm@%s", c->vm->name);

		text_addf(&t, ",process=%.*s", COMM_LENGTH, comm);
	}
	words_add(c->argv, "-name");
	words_take(c->argv, t.at);
}

static void add_memory_backend(const struct command *c, const char *id, uint64_t size)
{
	const struct microvm *vm = c->vm;

	words_add(c->argv, "-object");
	words_addf(c->argv, "memory-backend-memfd,id=%s,size=%" PRIu64 ",share=%s%s", id, size,
		   on_off(shares_memory(vm)), vm->hugepage_mem ? ",hugetlb=on" : "");
}

static void add_guest_size(const struct command *c)
{
	const struct microvm *vm = c->vm;
	struct text t = { 0 };

	words_add(c->argv, "-smp");
	words_addf(c->argv, "%u", vm->vcpu);
	if (vm->mem % (1 << 20) == 0)
		text_addf(&t, "%" PRIu64 "M", vm->mem >> 20);
	else
		text_addf(&t, "%" PRIu64 "K", vm->mem >> 10);
	if (vm->hotplug_mem > 0)
		text_addf(&t, ",maxmem=%" PRIu64 "K", (vm->mem + vm->hotplug_mem) >> 10);
	words_add(c->argv, "-m");
	words_take(c->argv, t.at);
	if (has_memory_backend(vm))
		add_memory_backend(c, "ram", vm->mem);
}

static char *kernel_command_line(const struct microvm *vm, const struct machine *m)
{
	OWNED(drop_text) struct text t = { 0 };

	/* A reboot by triple fault works on every machine, and a panic is one that ends qemu or, in a
	 * kernel without the driver, a reboot. */
	text_add(&t, vm->qemu.serial_console ? "console=ttyS0 reboot=t panic=-1" : "reboot=t panic=-1");
	if (is_microvm(m) && !m->kvm)
		/* The kernel would measure this against a timer that is not there. */
		text_add(&t, " tsc_early_khz=2000000");
	return kernel_line(t.at, vm);
}

static void add_kernel(const struct command *c)
{
	if (!c->vm->kernel)
		return;
	words_add(c->argv, "-kernel");
	words_add(c->argv, c->vm->kernel);
	if (c->vm->initrd_path) {
		words_add(c->argv, "-initrd");
		words_add(c->argv, c->vm->initrd_path);
	}
	words_add(c->argv, "-append");
	words_take(c->argv, kernel_command_line(c->vm, &c->machine));
}

static void add_console(const struct command *c)
{
	if (!c->vm->qemu.serial_console)
		return;
	words_add(c->argv, "-chardev");
	words_add(c->argv, "stdio,id=console,signal=off");
	words_add(c->argv, "-serial");
	words_add(c->argv, "chardev:console");
}

static void add_control(const struct command *c)
{
	OWNED(drop_str) char *path = NULL;

	if (!c->launch->control)
		return;
	path = comma_text(c->launch->control);
	words_add(c->argv, "-qmp");
	words_addf(c->argv, "unix:%s,server=on,wait=off", path);
}

/* The kind that fits the machine's bus; properties are ",KEY=VALUE" or empty, and owned from now on. */
static void add_virtio(const struct command *c, const char *name, char *properties)
{
	words_add(c->argv, "-device");
	words_addf(c->argv, "virtio-%s-%s%s", name,
		   c->machine.pci ? "pci,disable-legacy=on" : "device", properties);
	free(properties);
}

static void add_image(const struct command *c, const struct volume *v)
{
	static const char *const drivers[IMAGE_TYPES] = { "raw", "qcow2", "vpc", "vhdx" };
	OWNED(drop_str) char *path = volume_path(c->vm, v);
	OWNED(drop_str) char *file = comma_text(path);
	struct stat st;
	bool device = stat(path, &st) == 0 && S_ISBLK(st.st_mode);

	words_add(c->argv, "-blockdev");
	words_addf(c->argv,
		   "driver=%s,node-name=image-%s,read-only=%s,discard=unmap,cache.direct=%s,"
		   "file.driver=%s,file.aio=%s,file.filename=%s",
		   drivers[v->image_type], v->section.id, on_off(v->read_only), on_off(v->direct),
		   device ? "host_device" : "file", v->direct ? "native" : "threads", file);
}

static void add_volume(const struct command *c, const struct volume *v)
{
	OWNED(drop_str) char *serial = comma_text(volume_serial(v));

	add_image(c, v);
	add_virtio(c, "blk", text_format(",id=volume-%s,drive=image-%s,serial=%s", v->section.id,
					 v->section.id, serial));
}

static void add_forward(struct text *t, const struct forward_port *f)
{
	const char *host = f->host_address ? f->host_address : "";
	const char *guest = f->guest_address ? f->guest_address : "";

	if (f->from == FORWARD_HOST)
		text_addf(t, ",hostfwd=%s:%s:%u-%s:%u", f->proto == PROTO_TCP ? "tcp" : "udp", host,
			  f->host_port, guest, f->guest_port);
	else
		/* A character device would serve one connection, once. */
		text_addf(t, ",guestfwd=tcp:%s:%u-cmd:" HELPERDIR "/microvm-forward %s %u", guest,
			  f->guest_port, *host ? host : "127.0.0.1", f->host_port);
}

static bool is_first_user(const struct microvm *vm, const struct interface *interface)
{
	for (each(struct interface, i, vm->interfaces))
		if (i->type == NET_USER)
			return i == interface;
	return false;
}

static char *user_netdev(const struct command *c, const struct interface *i)
{
	struct text t = { 0 };

	text_addf(&t, "user,id=net-%s", i->section.id);
	if (!is_first_user(c->vm, i))
		return t.at;
	for (each(struct forward_port, f, c->vm->forward_ports))
		add_forward(&t, f);
	return t.at;
}

static const char *vhost(const struct command *c, const struct interface *i)
{
	return on_off(c->launch->vhost_net && (i->tap_vhost || !section_sets(&i->section, "tap.vhost")));
}

static char *tap_netdev(const struct command *c, const struct interface *i)
{
	unsigned queues = hypervisor_queues(c->vm);
	struct text t = { 0 };

	text_addf(&t, "tap,id=net-%s,ifname=%s,script=no,downscript=no,vhost=%s", i->section.id,
		  i->section.id, vhost(c, i));
	if (queues > 1)
		text_addf(&t, ",queues=%u", queues);
	return t.at;
}

static char *macvtap_netdev(const struct command *c, const struct interface *i)
{
	const struct queues *q = c->launch->queues;
	struct text t = { 0 };

	while (q->interface != i)
		q++;
	text_addf(&t, "tap,id=net-%s,vhost=%s,%s=", i->section.id, vhost(c, i),
		  q->count > 1 ? "fds" : "fd");
	for (size_t n = 0; n < q->count; n++)
		text_addf(&t, "%s%d", n ? ":" : "", q->fds[n]);
	return t.at;
}

static char *interface_properties(const struct command *c, const struct interface *i)
{
	unsigned queues = i->type == NET_USER ? 1 : hypervisor_queues(c->vm);
	struct text t = { 0 };

	text_addf(&t, ",id=interface-%s,netdev=net-%s,mac=%s", i->section.id, i->section.id, i->mac);
	if (queues > 1)
		text_add(&t, ",mq=on");
	/* One to send and one to receive for each queue, one for changes, one for commands. */
	if (queues > 1 && c->machine.pci)
		text_addf(&t, ",vectors=%u", 2 * queues + 2);
	if (i->mtu > 0)
		text_addf(&t, ",host_mtu=%u", i->mtu);
	if (c->machine.pci)
		text_add(&t, ",romfile=");
	return t.at;
}

static void add_interface(const struct command *c, const struct interface *i)
{
	static char *(*const netdevs[NETS])(const struct command *, const struct interface *) = {
		[NET_USER] = user_netdev,
		[NET_TAP] = tap_netdev,
		[NET_MACVTAP] = macvtap_netdev,
		[NET_BRIDGE] = tap_netdev,
	};

	words_add(c->argv, "-netdev");
	words_take(c->argv, netdevs[i->type](c, i));
	add_virtio(c, "net", interface_properties(c, i));
}

static void add_virtiofs(const struct command *c, const struct share *s)
{
	OWNED(drop_str) char *path = share_socket(c->vm, s);
	OWNED(drop_str) char *socket = comma_text(path);

	words_add(c->argv, "-chardev");
	words_addf(c->argv, "socket,id=virtiofsd-%s,path=%s", s->section.id, socket);
	words_add(c->argv, "-device");
	words_addf(c->argv, "vhost-user-fs-%s,id=share-%s,chardev=virtiofsd-%s,tag=%s,queue-size=1024",
		   c->machine.pci ? "pci" : "device", s->section.id, s->section.id, s->section.id);
}

static void add_9p(const struct command *c, const struct share *s)
{
	static const char *const models[SECURITY_MODELS] = { "passthrough", "none", "mapped-xattr",
							     "mapped-file" };
	OWNED(drop_str) char *source = share_source(c->vm, s);
	OWNED(drop_str) char *path = comma_text(source);

	words_add(c->argv, "-fsdev");
	words_addf(c->argv, "local,id=folder-%s,security_model=%s,readonly=%s,multidevs=remap,path=%s",
		   s->section.id, models[s->security_model], on_off(s->read_only), path);
	add_virtio(c, "9p", text_format(",id=share-%s,fsdev=folder-%s,mount_tag=%s", s->section.id,
					s->section.id, s->section.id));
}

static void add_share(const struct command *c, const struct share *s)
{
	if (s->proto == SHARE_VIRTIOFS)
		add_virtiofs(c, s);
	else
		add_9p(c, s);
}

static void add_balloon(const struct command *c)
{
	if (c->vm->balloon)
		add_virtio(c, "balloon", text_format(",deflate-on-oom=%s,free-page-reporting=on",
						     on_off(c->vm->deflate_on_oom)));
}

static void add_hotplug(const struct command *c)
{
	const struct microvm *vm = c->vm;
	bool told = section_sets(&vm->section, "hotpluggedMem");

	if (vm->hotplug_mem == 0)
		return;
	add_memory_backend(c, "hotplug", vm->hotplug_mem);
	words_add(c->argv, "-device");
	words_addf(c->argv, "virtio-mem-pci,memdev=hotplug,requested-size=%" PRIu64,
		   told ? vm->hotplugged_mem : vm->hotplug_mem);
}

/* By the firmware's configuration device, which every machine has, and in files: everybody can read a
 * command line. */
static void add_credential(const struct command *c, const struct credential *credential)
{
	const char *name = credential->section.id;
	OWNED(drop_str) char *path = text_format("%s/%s", c->launch->credentials, name);
	OWNED(drop_str) char *file = comma_text(path);

	words_add(c->argv, "-fw_cfg");
	words_addf(c->argv, "name=opt/io.systemd.credentials/%s,file=%s", name, file);
}

static bool has_ports(const struct machine *m)
{
	return strcmp(m->type, "q35") == 0 || strncmp(m->type, "pc-q35-", 7) == 0;
}

/* The chassis number tells ports apart; the guest sees it as the number of the slot. */
static void add_port(const struct command *c, const char *id, unsigned chassis)
{
	words_add(c->argv, "-device");
	words_addf(c->argv, "pcie-root-port,id=%s,chassis=%u", id, chassis);
}

static void add_free_ports(const struct command *c)
{
	for (unsigned i = 0; i < c->vm->qemu.pcie_root_ports; i++) {
		OWNED(drop_str) char *id = text_format("port-%u", i);

		add_port(c, id, i + 1);
	}
}

/* On a port of its own, so that the guest can let go of a card that is pulled out of the host. */
static void add_device(const struct command *c, const struct device *d, unsigned chassis)
{
	OWNED(drop_str) char *port = text_format("port-of-%s", d->section.id);
	OWNED(drop_str) char *id = text_format("device-%s", d->section.id);
	const char *bus = d->qemu_bus;
	struct text t = { 0 };

	if (!bus && has_ports(&c->machine)) {
		add_port(c, port, chassis);
		bus = port;
	}
	text_addf(&t, "vfio-pci,host=%s,id=%s", d->path, d->qemu_id ? d->qemu_id : id);
	if (bus)
		text_addf(&t, ",bus=%s", bus);
	if (d->qemu_device_extra_args)
		text_addf(&t, ",%s", d->qemu_device_extra_args);
	words_add(c->argv, "-device");
	words_take(c->argv, t.at);
}

static void add_devices(const struct command *c)
{
	unsigned chassis = c->vm->qemu.pcie_root_ports;

	add_free_ports(c);
	for (each(struct device, d, c->vm->devices))
		if (device_is_given(d))
			add_device(c, d, ++chassis);
}

/* A guest that has the driver tells its panic, and qemu ends with exit code 1. */
static void add_panic(const struct command *c)
{
	words_add(c->argv, "-device");
	words_add(c->argv, "pvpanic");
	words_add(c->argv, "-action");
	words_add(c->argv, "panic=exit-failure");
}

/* Such a port is a program that qemu starts for each connection. */
static bool spawns(const struct microvm *vm)
{
	for (each(struct forward_port, f, vm->forward_ports))
		if (f->from == FORWARD_GUEST)
			return true;
	return false;
}

static void add_sandbox(const struct command *c)
{
	/* A new session, which such a program gets, counts as a privilege. */
	const char *programs = spawns(c->vm) ? "allow" : "deny";

	words_add(c->argv, "-sandbox");
	words_addf(c->argv, "on,obsolete=deny,elevateprivileges=%s,spawn=%s,resourcecontrol=deny", programs,
		   programs);
}

static void qemu_command(const struct microvm *vm, const struct launch *launch, struct words *argv)
{
	struct command c = { vm, launch, machine_of(vm, launch->kvm), argv };

	words_add(argv, launch->program);
	words_add(argv, "-nodefaults");
	words_add(argv, "-no-user-config");
	words_add(argv, "-display");
	words_add(argv, "none");
	add_name(&c);
	add_machine(&c);
	add_guest_size(&c);
	words_add(argv, "-uuid");
	words_add(argv, vm->machine_id);
	add_kernel(&c);
	add_console(&c);
	add_control(&c);
	for (each(struct volume, v, vm->volumes))
		add_volume(&c, v);
	for (each(struct interface, i, vm->interfaces))
		add_interface(&c, i);
	for (each(struct share, s, vm->shares))
		add_share(&c, s);
	for (each(struct credential, credential, vm->credentials))
		add_credential(&c, credential);
	add_devices(&c);
	add_virtio(&c, "rng", text_copy(""));
	add_balloon(&c);
	add_hotplug(&c);
	add_panic(&c);
	add_sandbox(&c);
	words_add_all(argv, &vm->qemu.extra_args);
}

static void check_mem(const struct microvm *vm, struct problems *problems)
{
	if (vm->mem < 32ull << 20)
		warning_in(problems, &vm->section, "mem",
			   "a guest with less than 32M hardly boots; write mem=64M or more");
	if (vm->mem == 2048ull << 20)
		warning_in(problems, &vm->section, "mem",
			   "guests with exactly 2048M are known to hang in qemu; write mem=2047M or "
			   "mem=2049M");
}

static void check_command_line(const struct microvm *vm, struct problems *problems)
{
	/* Where nothing is known of KVM yet, the longer of the two. */
	struct machine m = machine_of(vm, false);
	OWNED(drop_str) char *line = kernel_command_line(vm, &m);

	check_kernel_line(line, KERNEL_COMMAND_LINE, vm, problems);
}

static void check_hotplug(const struct microvm *vm, struct problems *problems)
{
	const char *machine = vm->qemu.machine;

	if (vm->hotplug_mem == 0)
		return;
	if (machine && strcmp(machine, "microvm") == 0)
		problem_in(problems, &vm->section, "hotplugMem", "memory hotplug does not work in the machine "
								 "microvm; leave [qemu] machine out, or write "
								 "q35");
	if (vm->hotplug_mem % (2 << 20) != 0)
		problem_in(problems, &vm->section, "hotplugMem", "is not a multiple of 2M");
	if (vm->hotplugged_mem % (2 << 20) != 0)
		problem_in(problems, &vm->section, "hotpluggedMem", "is not a multiple of 2M");
}

static void check_devices(const struct microvm *vm, struct problems *problems)
{
	const size_t most = PCI_SLOTS - own_devices(vm);
	const size_t have = device_count(vm) - own_devices(vm);

	if (have > most)
		problem_in(problems, &vm->section, NULL,
			   "%zu volumes, interfaces and shares are more than the %zu that fit into the machine",
			   have, most);
}

static void check_tags(const struct microvm *vm, struct problems *problems)
{
	for (each(struct share, s, vm->shares))
		if (s->proto == SHARE_9P && strlen(s->section.id) > TAG_9P_LENGTH)
			problem_in(problems, &s->section, NULL, "the tag '%s' is longer than the %d bytes that "
				   "9p takes; shorten it, or write proto=virtiofs", s->section.id,
				   TAG_9P_LENGTH);
}

static void check_credential_names(const struct microvm *vm, struct problems *problems)
{
	for (each(struct credential, c, vm->credentials))
		if (strlen(c->section.id) > CREDENTIAL_LENGTH)
			problem_in(problems, &c->section, NULL, "the name '%s' is longer than the %d bytes that "
				   "qemu passes on; shorten it", c->section.id, CREDENTIAL_LENGTH);
}

static void check_machine_opts(const struct microvm *vm, struct problems *problems)
{
	for (size_t i = 0; i < vm->qemu.machine_opts.count; i++)
		if (!strchr(vm->qemu.machine_opts.at[i], '='))
			problem_in(problems, &vm->qemu.section, "machineOpts",
				   "'%s' is not an option such as acpi=on", vm->qemu.machine_opts.at[i]);
}

/* Of the network that qemu makes: what the address is for. */
static bool is_in_user_network(const char *address)
{
	return strncmp(address, "10.0.2.", 7) == 0 && strcmp(address, "10.0.2.2") != 0 &&
	       strcmp(address, "10.0.2.3") != 0;
}

static void check_address(const struct forward_port *f, const char *key, const char *address,
			  struct problems *problems)
{
	if (address && strchr(address, ':'))
		problem_in(problems, &f->section, key, "'%s': qemu forwards ports of IPv4 alone", address);
}

static void check_forward_ports(const struct microvm *vm, struct problems *problems)
{
	for (each(struct forward_port, f, vm->forward_ports)) {
		check_address(f, "host.address", f->host_address, problems);
		check_address(f, "guest.address", f->guest_address, problems);
		if (f->from == FORWARD_GUEST && f->guest_address && !strchr(f->guest_address, ':') &&
		    !is_in_user_network(f->guest_address))
			problem_in(problems, &f->section, "guest.address", "'%s' is not a free address of "
				   "qemu's network 10.0.2.0/24, such as 10.0.2.100", f->guest_address);
	}
}

static void qemu_check(const struct microvm *vm, struct problems *problems)
{
	check_mem(vm, problems);
	check_command_line(vm, problems);
	check_serials(vm, problems);
	check_tags(vm, problems);
	check_hotplug(vm, problems);
	check_credential_names(vm, problems);
	check_devices(vm, problems);
	check_machine_opts(vm, problems);
	check_forward_ports(vm, problems);
}

static const char *qemu_package(const struct microvm *vm)
{
	return vm->qemu.package;
}

const struct hypervisor hypervisor_qemu = {
	.name = "qemu",
	.program = "qemu-system-x86_64",
	.debian = "qemu-system-x86",
	.emulates = true,
	.multi_queue = true,
	.names_process = true,
	.can = CAN(HUGEPAGES) | CAN(VIRTIO_MEM) | CAN(BALLOON) | CAN(DEFLATE_ON_OOM) |
	       CAN(MACHINE_ID) | CAN(CONTROL_SOCKET) | CAN(MTU) | CAN(NET_USER) | CAN(NET_TAP) |
	       CAN(NET_MACVTAP) | CAN(NET_BRIDGE) | CAN(VHOST_NET) | CAN(FORWARD_PORT) |
	       CAN(IMAGE_QCOW2) | CAN(IMAGE_VHD) | CAN(IMAGE_VHDX) | CAN(DIRECT) | CAN(SERIAL) |
	       CAN(SHARE_9P) | CAN(SHARE_VIRTIOFS) | CAN(CREDENTIAL_PATH) | CAN(CREDENTIAL_ENCRYPTED) |
	       CAN(CREDENTIAL_VALUE) | CAN(PCI),
	.protocol = PROTOCOL_QMP,
	.ask_status = "query-status",
	.ask_poweroff = "system_powerdown",
	/* A reboot happens inside of qemu, a poweroff is exit code 0, a crash or panic another. */
	.restart = "on-failure",
	.package = qemu_package,
	.check = qemu_check,
	.command = qemu_command,
};
