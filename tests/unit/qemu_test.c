/* SPDX-License-Identifier: MIT */
/* Command lines for qemu, judged by qemu: each is started for real, its guest halted before the
 * first instruction, and asked through QMP what it is. What the kernel knows is read from /proc. */
#include "common/owned.h"
#include "common/text.h"
#include "config/arguments.h"
#include "hypervisors/hypervisor.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char program[] = "/usr/bin/qemu-system-x86_64";
static const char uuid[] = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

static int failed;
static const char *part; /* of the tests */
static char folder[] = "/tmp/qemu-test-XXXXXX";

static void ok(bool good, const char *name)
{
	printf("%s - qemu, %s: %s\n", good ? "ok" : "not ok", part, name);
	failed += !good;
}

static void same(const char *found, const char *wanted, const char *name)
{
	bool good = found && strcmp(found, wanted) == 0;

	if (!good)
		printf("# '%s' instead of '%s'\n", found ? found : "(nothing)", wanted);
	ok(good, name);
}

/* ---- the stage ---- */

static char *at(const char *name)
{
	return text_format("%s/%s", folder, name);
}

static void make_file(const char *name, const char *bytes, size_t n, off_t size)
{
	OWNED(drop_str) char *path = at(name);
	OWNED(drop_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || ftruncate(fd, size) < 0) {
		printf("not ok - %s\n", path);
		exit(1);
	}
}

/* As much of a bzImage as qemu looks at: it is loaded and never run. */
static void make_kernel(void)
{
	char head[0x240] = { 0 };

	head[0x1f1] = 4;			     /* setup sectors */
	memcpy(head + 0x202, "HdrS\x0c\x02", 6);     /* boot protocol 2.12 */
	head[0x211] = 1;			     /* loaded high */
	memcpy(head + 0x22c, "\xff\xff\xff\x7f", 4); /* highest address of an initrd */
	memcpy(head + 0x238, "\xff\x07\0\0", 4);     /* 2047 bytes of command line */
	make_file("kernel", head, sizeof(head), 65536);
}

static void make_stage(void)
{
	if (!mkdtemp(folder)) {
		printf("not ok - %s\n", folder);
		exit(1);
	}
	make_kernel();
	make_file("initrd", "initrd", 6, 4096);
	make_file("a, b=\xc3\xbc.img", "", 0, 1 << 20);
	make_file("ro.img", "", 0, 2 << 20);
	make_file("direct.img", "", 0, 3 << 20);
}

static void clear_stage(void)
{
	OWNED(drop_str) char *line = text_format("rm -rf %s", folder);

	(void)!system(line);
}

/* ---- a qemu that runs ---- */

struct guest {
	struct microvm vm;
	struct words words; /* the places in vm */
	struct words argv;
	char *control;
	pid_t pid;
	FILE *qmp;
};

/* The words are split as systemd splits a command line. */
static void guest_words(struct guest *g, const char *name, const char *words)
{
	struct problems problems = { 0 };
	struct words *all = &g->words;

	words_add(all, "qemu.extraArgs=-S");
	words_addf(all, "microvm.machineId=%s", uuid);
	words_addf(all, "microvm.stateDir=%s", folder);
	words_addf(all, "microvm.kernel=%s/kernel", folder);
	words_addf(all, "microvm.initrdPath=%s/initrd", folder);
	(void)words_split(all, words);
	microvm_init(&g->vm, name);
	if (arguments_read(&g->vm, all->at, &problems) < 0) {
		printf("not ok - %s\n", problems.errors.at[0]);
		exit(1);
	}
	drop_problems(&problems);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	for (int i = 0; i < 3000; i++) {
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			return fd;
		(void)usleep(10000);
	}
	return -1;
}

/* The value that a command returns, NULL for an error; json_object_put() by the caller. */
static json_object *ask(struct guest *g, const char *command)
{
	OWNED(drop_str) char *line = NULL;
	json_object *ret = NULL, *value;
	size_t room = 0;

	if (!g->qmp)
		return NULL;
	(void)fprintf(g->qmp, "%s\n", command);
	(void)fflush(g->qmp);
	while (getline(&line, &room, g->qmp) > 0) {
		json_object *message = json_tokener_parse(line);

		if (json_object_object_get_ex(message, "return", &value))
			ret = json_object_get(value);
		json_object_put(message);
		if (ret || strstr(line, "\"error\""))
			break;
	}
	return ret;
}

static pid_t spawn(const struct words *argv)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)alarm(120);
	(void)dup2(open("/dev/null", O_RDWR), STDIN_FILENO);
	(void)dup2(STDIN_FILENO, STDOUT_FILENO);
	(void)execv(program, argv->at);
	_exit(99);
}

/* Whether qemu took the command line. */
static bool guest_start(struct guest *g, const char *name, const char *words)
{
	struct launch launch = { .program = program };
	int fd;

	guest_words(g, name, words);
	g->control = at("control,1.sock");
	launch.control = g->control;
	(void)unlink(g->control);
	hypervisors[HYPERVISOR_QEMU]->command(&g->vm, &launch, &g->argv);
	g->pid = spawn(&g->argv);
	fd = connect_to(g->control);
	g->qmp = fd < 0 ? NULL : fdopen(fd, "r+e");
	if (g->qmp)
		json_object_put(ask(g, "{\"execute\":\"qmp_capabilities\"}"));
	return g->qmp;
}

/* Its exit status, or -1. */
static int guest_stop(struct guest *g)
{
	int status = -1;

	if (g->qmp)
		json_object_put(ask(g, "{\"execute\":\"quit\"}"));
	else
		(void)kill(g->pid, SIGKILL);
	(void)waitpid(g->pid, &status, 0);
	drop_file(&g->qmp);
	drop_microvm(&g->vm);
	drop_words(&g->words);
	drop_words(&g->argv);
	free(g->control);
	*g = (struct guest){ 0 };
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- what it says ---- */

/* The text of a reply's member on a path such as "cache.direct", or of the reply itself. */
static char *member(json_object *o, const char *path)
{
	while (o && *path) {
		size_t n = strcspn(path, ".");
		OWNED(drop_str) char *name = text_format("%.*s", (int)n, path);

		o = json_object_object_get(o, name);
		path += n + (path[n] == '.');
	}
	return o ? text_copy(json_object_get_string(o)) : NULL;
}

static char *asked(struct guest *g, const char *command, const char *path)
{
	json_object *reply = ask(g, command);
	char *ret = member(reply, path);

	json_object_put(reply);
	return ret;
}

static void says(struct guest *g, const char *command, const char *path, const char *wanted,
		 const char *name)
{
	OWNED(drop_str) char *line = text_format("{\"execute\":\"%s\"}", command);
	OWNED(drop_str) char *found = asked(g, line, path);

	same(found, wanted, name);
}

static char *property(struct guest *g, const char *object, const char *name)
{
	OWNED(drop_str) char *line = text_format("{\"execute\":\"qom-get\",\"arguments\":{\"path\":"
						 "\"%s\",\"property\":\"%s\"}}", object, name);

	return asked(g, line, "");
}

static void has(struct guest *g, const char *object, const char *key, const char *wanted,
		const char *name)
{
	OWNED(drop_str) char *found = property(g, object, key);

	same(found, wanted, name);
}

/* What a named node of the block layer says. */
static void node_has(struct guest *g, const char *node, const char *path, const char *wanted,
		     const char *name)
{
	json_object *nodes = ask(g, "{\"execute\":\"query-named-block-nodes\"}");
	OWNED(drop_str) char *found = NULL;

	for (size_t i = 0; nodes && i < json_object_array_length(nodes); i++) {
		json_object *one = json_object_array_get_idx(nodes, i);
		OWNED(drop_str) char *its = member(one, "node-name");

		if (its && strcmp(its, node) == 0)
			found = member(one, path);
	}
	json_object_put(nodes);
	same(found, wanted, name);
}

/* The slot in which the device with that ID sits on the first PCI bus, or -1. */
static int slot_of(struct guest *g, const char *id)
{
	json_object *buses = ask(g, "{\"execute\":\"query-pci\"}");
	json_object *devices =
		buses ? json_object_object_get(json_object_array_get_idx(buses, 0), "devices")
		      : NULL;
	int ret = -1;

	for (size_t i = 0; devices && i < json_object_array_length(devices); i++) {
		json_object *one = json_object_array_get_idx(devices, i);
		OWNED(drop_str) char *its = member(one, "qdev_id");

		if (its && strcmp(its, id) == 0)
			ret = json_object_get_int(json_object_object_get(one, "slot"));
	}
	json_object_put(buses);
	return ret;
}

/* The flags with which the process has a file open (proc(5), fdinfo); -1: it has not. */
static int open_flags(const struct guest *g, const char *file)
{
	OWNED(drop_str) char *path = at(file);

	for (int fd = 0; fd < 64; fd++) {
		OWNED(drop_str) char *link = text_format("/proc/%d/fd/%d", g->pid, fd);
		OWNED(drop_str) char *info = text_format("/proc/%d/fdinfo/%d", g->pid, fd);
		OWNED(drop_file) FILE *f = fopen(info, "re");
		char target[4096] = "";
		int flags;

		if (f && readlink(link, target, sizeof(target) - 1) > 0 &&
		    strcmp(target, path) == 0 &&
		    fscanf(f, "pos: %*d flags: %o", (unsigned *)&flags) == 1)
			return flags;
	}
	return -1;
}

static char *proc_line(const struct guest *g, const char *file, const char *begin)
{
	OWNED(drop_str) char *path = text_format("/proc/%d/%s", g->pid, file);
	OWNED(drop_file) FILE *f = fopen(path, "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, begin, strlen(begin)) == 0) {
			line[strcspn(line, "\n")] = '\0';
			return text_copy(line + strlen(begin));
		}
	return NULL;
}

/* ---- the tests ---- */

static void test_machine(void)
{
	OWNED(drop_str) char *comm = NULL, *seccomp = NULL, *type = NULL, *kernel = at("kernel");
	OWNED(drop_str) char *initrd = at("initrd");
	struct guest g = { 0 };

	ok(guest_start(&g, "a-rather-long-name", "microvm.vcpu=3 microvm.mem=77M"), "qemu starts");
	says(&g, "query-status", "status", "prelaunch", "it is halted");
	says(&g, "query-name", "name", "a-rather-long-name", "its name");
	says(&g, "query-uuid", "UUID", uuid, "its UUID");
	says(&g, "query-memory-size-summary", "base-memory", "80740352", "its memory");
	has(&g, "/machine", "kernel", kernel, "its kernel");
	has(&g, "/machine", "initrd", initrd, "its initrd");
	has(&g, "/machine", "append", "console=ttyS0 reboot=t panic=-1",
	    "the kernel's command line");
	type = property(&g, "/machine", "type");
	ok(type && strncmp(type, "pc-q35-", 7) == 0, "without KVM it is a q35");
	comm = proc_line(&g, "comm", "");
	same(comm, "microvm@a-rathe", "the process's name");
	seccomp = proc_line(&g, "status", "Seccomp:\t");
	same(seccomp, "2", "a system call filter is on");
	ok(guest_stop(&g) == 0, "it ends with 0");
}

static void test_cpus(void)
{
	struct guest g = { 0 };
	OWNED(drop_str) char *path = NULL;
	json_object *cpus;

	ok(guest_start(&g, "cpus", "microvm.vcpu=3"), "qemu starts with 3");
	cpus = ask(&g, "{\"execute\":\"query-cpus-fast\"}");
	ok(cpus && json_object_array_length(cpus) == 3, "and has them");
	path = cpus ? member(json_object_array_get_idx(cpus, 0), "qom-path") : NULL;
	has(&g, path ? path : "", "type", "max-x86_64-cpu", "with all that can be emulated");
	json_object_put(cpus);
	(void)guest_stop(&g);
}

static void test_own_settings(void)
{
	OWNED(drop_str) char *comm = NULL, *chardevs = NULL;
	struct guest g = { 0 };

	ok(guest_start(&g, "own",
		       "microvm.prettyProcnames=no qemu.serialConsole=no "
		       "qemu.machineOpts=hpet=off qemu.machineOpts=accel=tcg "
		       "microvm.kernelParams=quiet \"microvm.kernelParams=a=b c\" "
		       "\"microvm.kernelParams=d=\\\"e f\\\"\""),
	   "qemu starts");
	has(&g, "/machine", "hpet", "false", "an option of the machine");
	has(&g, "/machine", "i8042", "true", "which replaces ours");
	has(&g, "/machine", "append", "reboot=t panic=-1 quiet \"a=b c\" d=\"e f\"",
	    "parameters with blanks are quoted");
	comm = proc_line(&g, "comm", "");
	same(comm, "qemu-system-x86", "the process keeps its name");
	chardevs = asked(&g, "{\"execute\":\"query-chardev\"}", "");
	ok(chardevs && !strstr(chardevs, "console"), "no serial console");
	(void)guest_stop(&g);
}

static bool make_images(void)
{
	OWNED(drop_str) char *line = text_format("cd %s && qemu-img create -q -f qcow2 q.img 4M && "
						 "qemu-img create -q -f vpc v.img 4M && "
						 "qemu-img create -q -f vhdx x.img 4M", folder);

	return system(line) == 0;
}

static void test_volumes(void)
{
	struct guest g = { 0 };
	int odd, ro, direct;

	ok(guest_start(&g, "disks",
		       "\"volume.odd.image=a, b=\xc3\xbc.img\" "
		       "\"volume.odd.serial=x,y z\" volume.0.image=ro.img "
		       "volume.0.readOnly=yes volume.direct.direct=yes"),
	   "qemu starts");
	odd = open_flags(&g, "a, b=\xc3\xbc.img");
	ro = open_flags(&g, "ro.img");
	direct = open_flags(&g, "direct.img");
	ok(odd >= 0 && (odd & O_ACCMODE) == O_RDWR,
	   "an image's name may hold commas and blanks");
	ok(odd >= 0 && (odd & O_DIRECT) == 0, "it goes through the page cache");
	ok(ro >= 0 && (ro & O_ACCMODE) == O_RDONLY, "a read-only image is not opened for writing");
	ok(direct >= 0 && (direct & O_DIRECT) != 0, "a direct image goes past the page cache");
	node_has(&g, "image-0", "ro", "true", "read-only for the guest");
	node_has(&g, "image-direct", "ro", "false", "writable for the guest");
	node_has(&g, "image-direct", "image.virtual-size", "3145728", "its size");
	has(&g, "/machine/peripheral/volume-odd", "serial", "x,y z", "a serial with a comma");
	has(&g, "/machine/peripheral/volume-0", "serial", "0", "the ID is the serial by default");
	ok(slot_of(&g, "volume-odd") > 0 && slot_of(&g, "volume-odd") < slot_of(&g, "volume-0") &&
		   slot_of(&g, "volume-0") < slot_of(&g, "volume-direct"),
	   "the first volume comes first");
	ok(guest_stop(&g) == 0, "it ends with 0");
}

static void test_image_types(void)
{
	struct guest g = { 0 };

	if (!make_images()) {
		printf("skip - image types # no qemu-img\n");
		return;
	}
	ok(guest_start(&g, "types",
		       "volume.q.imageType=qcow2 volume.v.imageType=vhd "
		       "volume.x.imageType=vhdx"),
	   "qemu starts");
	node_has(&g, "image-q", "drv", "qcow2", "qcow2");
	node_has(&g, "image-v", "drv", "vpc", "vhd");
	node_has(&g, "image-x", "drv", "vhdx", "vhdx");
	(void)guest_stop(&g);
}

static bool attach_loop(char *ret, size_t room)
{
	OWNED(drop_str) char *line = text_format("losetup -f --show %s/direct.img", folder);
	FILE *f = popen(line, "re");
	bool got = f && fgets(ret, (int)room, f);

	ret[got ? strcspn(ret, "\n") : 0] = '\0';
	return f && pclose(f) == 0 && got;
}

static void test_block_device(void)
{
	OWNED(drop_str) char *words = NULL, *detach = NULL;
	struct guest g = { 0 };
	char device[64];

	if (!attach_loop(device, sizeof(device))) {
		printf("skip - a block device # no loop device\n");
		return;
	}
	words = text_format("volume.dev.image=%s", device);
	ok(guest_start(&g, "device", words), "qemu starts");
	node_has(&g, "image-dev", "image.virtual-size", "3145728", "its size");
	(void)guest_stop(&g);
	detach = text_format("losetup -d %s", device);
	(void)!system(detach);
}

static void test_interfaces(void)
{
	struct guest g = { 0 };

	ok(guest_start(&g, "net",
		       "interface.e0.type=user interface.e0.mac=02:00:00:00:00:0a "
		       "interface.e1.type=user interface.e1.mac=02:00:00:00:00:0b"),
	   "qemu starts");
	has(&g, "/machine/peripheral/interface-e0", "mac", "02:00:00:00:00:0a",
	    "the first address");
	has(&g, "/machine/peripheral/interface-e1", "mac", "02:00:00:00:00:0b", "the second");
	has(&g, "/machine/peripheral/interface-e0", "type", "virtio-net-pci", "on PCI");
	(void)guest_stop(&g);
}

/* volume.d0, volume.d1, …, all read-only on one image: only their number counts. */
static char *many_volumes(unsigned n, const char *more)
{
	struct text t = { 0 };

	text_add(&t, more);
	for (unsigned i = 0; i < n; i++)
		text_addf(&t, " volume.d%u.image=ro.img volume.d%u.readOnly=yes", i, i);
	return t.at;
}

static void has_volumes(unsigned n, const char *machine, const char *type, const char *name)
{
	OWNED(drop_str) char *words = many_volumes(n, machine);
	OWNED(drop_str) char *last = text_format("/machine/peripheral/volume-d%u", n - 1);
	struct guest g = { 0 };

	(void)guest_start(&g, "many", words);
	if (g.qmp)
		has(&g, last, "type", type, name);
	else
		ok(false, name);
	(void)guest_stop(&g);
}

static void test_microvm(void)
{
	struct guest g = { 0 };

	ok(guest_start(&g, "small",
		       "qemu.machine=microvm volume.direct interface.e0.type=user "
		       "interface.e0.mac=02:00:00:00:00:0a"),
	   "qemu starts");
	has(&g, "/machine", "type", "microvm-machine", "that it is");
	has(&g, "/machine", "acpi", "on", "with ACPI");
	has(&g, "/machine", "append", "console=ttyS0 reboot=t panic=-1 tsc_early_khz=2000000",
	    "emulated, its kernel is told the clock's rate");
	has(&g, "/machine/peripheral/volume-direct", "type", "virtio-blk-device", "without PCI");
	has(&g, "/machine/peripheral/interface-e0", "mac", "02:00:00:00:00:0a", "an interface");
	ok(guest_stop(&g) == 0, "it ends with 0");
	has_volumes(23, "qemu.machine=microvm", "virtio-blk-device",
		    "as many volumes as have no PCI");
	has_volumes(24, "qemu.machine=microvm", "virtio-blk-pci", "one more, and there is PCI");
	has_volumes(29, "qemu.machine=microvm", "virtio-blk-pci", "as many as are let through");
	has_volumes(29, "", "virtio-blk-pci", "and on a q35");
}

/* ---- what is refused before ---- */

static void checked(const char *words, const char *error, const char *warning, const char *name)
{
	OWNED(drop_problems) struct problems p = { 0 };
	struct guest g = { 0 };
	bool good;

	guest_words(&g, "check", words);
	hypervisor_check(&g.vm, &p);
	good = error ? p.errors.count == 1 && strstr(p.errors.at[0], error) : p.errors.count == 0;
	good = good && (warning ? p.warnings.count == 1 && strstr(p.warnings.at[0], warning)
				: p.warnings.count == 0);
	for (size_t i = 0; !good && i < p.errors.count; i++)
		printf("# %s\n", p.errors.at[i]);
	ok(good, name);
	drop_microvm(&g.vm);
	drop_words(&g.words);
}

static char *long_line(size_t n)
{
	struct text t = { 0 };

	text_add(&t, "microvm.kernelParams=");
	/* What comes before it: console=ttyS0 reboot=t panic=-1 and a blank */
	for (n -= 32; n > 0; n--)
		text_add(&t, "x");
	return t.at;
}

static void test_check(void)
{
	OWNED(drop_str) char *fits = long_line(2047);
	OWNED(drop_str) char *over = long_line(2048);
	OWNED(drop_str) char *many = many_volumes(29, "");
	OWNED(drop_str) char *too_many = many_volumes(29, "interface.e0.type=user");

	checked("", NULL, NULL, "nothing to say about the defaults");
	checked(fits, NULL, NULL, "the longest command line");
	checked(over, "shorten it by 1", NULL, "a byte more than that");
	checked("volume.a.serial=12345678901234567890", NULL, NULL, "the longest serial");
	checked("volume.a.serial=123456789012345678901", "20 bytes", NULL, "a longer serial");
	checked(many, NULL, NULL, "the most devices");
	checked(too_many, "30 volumes", NULL, "a device more");
	checked("microvm.mem=31M", NULL, "64M", "hardly any memory");
	checked("microvm.mem=2G", NULL, "2047M", "exactly 2 GiB");
	checked("qemu.machineOpts=acpi", "'acpi' is not an option", NULL,
		"an option without value");
}

static void test_longest_command_line(void)
{
	OWNED(drop_str) char *fits = long_line(2047);
	OWNED(drop_str) char *found = NULL;
	struct guest g = { 0 };

	(void)guest_start(&g, "long", fits);
	found = g.qmp ? property(&g, "/machine", "append") : NULL;
	ok(found && strlen(found) == 2047, "2047 bytes reach qemu");
	(void)guest_stop(&g);
}

int main(void)
{
	(void)setvbuf(stdout, NULL, _IONBF, 0);
	if (access(program, X_OK) < 0) {
		printf("skip - command lines for qemu # %s is not installed\n", program);
		return 0;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	make_stage();
	part = "check";
	test_check();
	part = "the machine";
	test_machine();
	part = "CPUs";
	test_cpus();
	part = "the user's settings";
	test_own_settings();
	part = "check";
	test_longest_command_line();
	part = "volumes";
	test_volumes();
	part = "image types";
	test_image_types();
	part = "a block device";
	test_block_device();
	part = "interfaces";
	test_interfaces();
	part = "the machine microvm";
	test_microvm();
	clear_stage();
	return failed > 0;
}
