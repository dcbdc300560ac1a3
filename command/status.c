/* SPDX-License-Identifier: MIT */
#include "verb.h"

#include "host-link.h"
#include "instance.h"
#include "inventory.h"
#include "journal.h"
#include "measure.h"
#include "table.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/identity.h"
#include "../hypervisors/hypervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

/* The colours and the dot that systemctl has. */
static void head_print(const struct item *item)
{
	OWNED(drop_str) char *uptime = measure_seconds(item_uptime(item));
	OWNED(drop_str) char *reason = item_reason(item);
	const char *colour = screen_colour(state_colour(item->state));

	printf("%s%s%s %s: %s%s%s", colour,
	       item_runs(item)		      ? "●"
	       : item->state == STATE_STOPPED ? "○"
					      : "×",
	       screen_colour(PLAIN), item->name, colour, state_name(item->state),
	       screen_colour(PLAIN));
	if (reason)
		printf(" (%s)", reason);
	if (item_uptime(item) > 0)
		printf(" for %s", uptime);
	(void)putchar('\n');
}

/* A line "LABEL: text"; of a list the first has the label. */
static void fact(const char *label, enum colour colour, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void fact(const char *label, enum colour colour, const char *format, ...)
{
	OWNED(drop_str) char *text = NULL;
	OWNED(drop_text) struct text shown = { 0 };
	va_list args;

	va_start(args, format);
	text = text_format_args(format, args);
	va_end(args);
	text_add_shown(&shown, text);
	printf("%11s%c %s%s%s\n", label, *label ? ':' : ' ', colour ? screen_colour(colour) : "",
	       shown.at ? shown.at : "", colour ? screen_colour(PLAIN) : "");
}

static void files_print(const struct item *item)
{
	const struct configured *c = item->conf;

	if (!c && item->package) {
		fact("Conf", PLAIN, "none; it is a runner package");
		return;
	}
	if (!c) {
		fact("Conf", ATTENTION, "%s",
		     item_runs(item) ? "gone; it runs as it was started" : "none");
		return;
	}
	fact("Conf", PLAIN, "%s", c->source->shown);
	for (size_t i = 0; i < c->source->dropins.count; i++)
		fact("", PLAIN, "%s", c->source->dropins.at[i]);
	if (item_is_stale(item))
		fact("", ATTENTION,
		     "stale: it runs with what was configured before; microvm apply, or "
		     "systemctl restart microvm@%s",
		     item->name);
	for (size_t i = 0; i < c->problems.errors.count; i++)
		fact("", BAD, "%s", c->problems.errors.at[i]);
}

static void hypervisor_print(const struct item *item, const struct microvm *vm)
{
	const char *pid = property(&item->unit, "MainPID");
	OWNED(drop_str) char *socket = microvm_socket(vm);

	if (item_runs(item) && strcmp(pid, "0") != 0)
		fact("Hypervisor", PLAIN, "%s, process %s%s%s", hypervisors[vm->hypervisor]->name,
		     pid, socket ? ", control socket " : "", socket ? socket : "");
	else
		fact("Hypervisor", PLAIN, "%s", hypervisors[vm->hypervisor]->name);
}

static uint64_t resident(const char *pid)
{
	OWNED(drop_str) char *path = text_format("/proc/%s/statm", pid);
	OWNED(drop_file) FILE *f = fopen(path, "re");
	uint64_t pages = 0;

	if (!f || fscanf(f, "%*u %" SCNu64, &pages) != 1)
		return 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* What the kernel counts for all of the unit; where it does not count memory, what the hypervisor
 * has. */
static uint64_t memory_used(const struct item *item)
{
	uint64_t used = property_number(&item->unit, "MemoryCurrent");

	return used && used != UINT64_MAX ? used : resident(property(&item->unit, "MainPID"));
}

static void use_print(const struct item *item, const struct microvm *vm)
{
	OWNED(drop_str) char *mem = vm ? measure_bytes(vm->mem) : text_copy("?");
	OWNED(drop_str) char *used = measure_bytes(memory_used(item));
	uint64_t cpu = property_number(&item->unit, "CPUUsageNSec");

	fact("Memory", PLAIN, "%s for the guest%s%s%s", mem, item_runs(item) ? ", " : "",
	     item_runs(item) ? used : "", item_runs(item) ? " used on the host" : "");
	if (item_runs(item) && cpu != UINT64_MAX)
		fact("CPU", PLAIN, "%u virtual, %" PRIu64 ".%03" PRIu64 "s used", vm ? vm->vcpu : 0,
		     cpu / 1000000000, cpu / 1000000 % 1000);
}

static int units_print(struct systemd *bus, const struct item *item)
{
	OWNED(drop_listed_units) struct listed_units units = { 0 };
	OWNED(drop_words) struct words patterns = { 0 };
	const char *label = "Units";
	int r;

	words_addf(&patterns, "microvm@%s.service", item->name);
	words_addf(&patterns, "*microvm*@%s.*", item->name);
	words_addf(&patterns, "microvm-virtiofsd@%s:*", item->name);
	r = bus_units(bus, &patterns, &units);
	for (size_t i = 0; i < units.count; i++) {
		const struct listed_unit *u = &units.at[i];

		fact(label, strcmp(u->active, "failed") == 0 ? BAD : PLAIN, "%s %s (%s)", u->name,
		     u->active, u->sub);
		label = "";
	}
	return r;
}

/* The hardware addresses that nobody wrote, as the start makes them. */
static void identify(const struct microvm *vm, const struct interface *i, char **ret)
{
	unsigned char host[16];

	if (!i->mac && identity_host("/etc/machine-id", host) == 0)
		*ret = identity_mac(vm->name, i->section.id, host);
	else
		*ret = i->mac ? text_copy(i->mac) : NULL;
}

static void link_text(const struct interface *i, struct text *ret)
{
	OWNED(drop_host_link) struct host_link l;

	if (i->type == NET_USER)
		return;
	host_link_read(i->section.id, &l);
	text_add(ret, !l.exists ? ", not there" : l.up ? ", up" : ", down");
	if (l.bridge)
		text_addf(ret, ", on %s", l.bridge);
	for (size_t n = 0; n < l.addresses.count; n++)
		text_addf(ret, ", %s", l.addresses.at[n]);
}

static void interfaces_print(const struct microvm *vm)
{
	static const char *const types[NETS] = { "user", "tap", "macvtap", "bridge" };
	const char *label = "Interfaces";

	for (each(struct interface, i, vm->interfaces)) {
		OWNED(drop_text) struct text state = { 0 };
		OWNED(drop_str) char *mac = NULL;

		identify(vm, i, &mac);
		link_text(i, &state);
		fact(label, PLAIN, "%s %s%s%s%s", i->section.id, types[i->type],
		     mac ? ", guest " : "", mac ? mac : "", state.at ? state.at : "");
		label = "";
	}
}

/* "64M", "64M, 1.2M on disk", or why not. */
static char *volume_size(const char *path)
{
	OWNED(drop_fd) int fd = -1;
	OWNED(drop_str) char *size = NULL, *used = NULL;
	uint64_t bytes;
	struct stat st;

	if (stat(path, &st) < 0)
		return text_format("not there: %s", strerror(errno));
	if (S_ISBLK(st.st_mode)) {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		return fd >= 0 && ioctl(fd, BLKGETSIZE64, &bytes) == 0 ? measure_bytes(bytes)
								       : text_copy("block device");
	}
	size = measure_bytes((uint64_t)st.st_size);
	used = measure_bytes((uint64_t)st.st_blocks * 512);
	return text_format("%s, %s on disk", size, used);
}

static void volumes_print(const struct microvm *vm)
{
	const char *label = "Volumes";

	for (each(struct volume, v, vm->volumes)) {
		OWNED(drop_str) char *path = volume_path(vm, v);
		OWNED(drop_str) char *size = volume_size(path);

		fact(label, PLAIN, "%s %s (%s)%s", v->section.id, path, size,
		     v->read_only ? ", read-only" : "");
		label = "";
	}
}

static void shares_print(const struct microvm *vm)
{
	const char *label = "Shares";

	for (each(struct share, s, vm->shares)) {
		OWNED(drop_str) char *source = share_source(vm, s);

		fact(label, PLAIN, "%s %s by %s%s", s->section.id, source,
		     s->proto == SHARE_VIRTIOFS ? "virtiofs" : "9p",
		     s->read_only ? ", read-only" : "");
		label = "";
	}
}

static void devices_print(const struct microvm *vm)
{
	const char *label = "Devices";

	for (each(struct device, d, vm->devices)) {
		OWNED(drop_str) char *link = text_format("/sys/bus/pci/devices/%s/driver", d->path);
		OWNED(drop_str) char *driver = realpath(link, NULL);
		const char *name = driver ? strrchr(driver, '/') + 1 : "no driver";

		fact(label, PLAIN, "%s %s%s%s", d->section.id, d->path,
		     d->bus == BUS_PCI ? ", " : "", d->bus == BUS_PCI ? name : "");
		label = "";
	}
}

static int console_print(const struct item *item, const char *lines)
{
	OWNED(drop_str) char *unit = instance_unit(item->name);
	size_t n = lines ? strtoul(lines, NULL, 10) : 10;
	int r;

	if (n == 0 || item_is_nothing(item))
		return EXIT_DONE;
	(void)putchar('\n');
	r = journal_print_last(unit, n);
	return r < 0 ? log_failure(r, "cannot read the journal") : EXIT_DONE;
}

static int item_print(struct systemd *bus, const struct item *item)
{
	const struct microvm *vm = item_microvm(item);

	head_print(item);
	files_print(item);
	if (vm)
		hypervisor_print(item, vm);
	if (vm || item_runs(item))
		use_print(item, vm);
	if (vm) {
		interfaces_print(vm);
		volumes_print(vm);
		shares_print(vm);
		devices_print(vm);
	}
	return units_print(bus, item);
}

/* What systemctl status ends with (LSB). */
enum { NOT_RUNNING = 3, NO_SUCH = 4 };

static int code_of(const struct item *item)
{
	return item_runs(item) ? EXIT_DONE : NOT_RUNNING;
}

static int show(const struct call *call, struct systemd *bus, const struct item *item)
{
	int r, shown;

	if (item_is_nothing(item)) {
		log_line(LEVEL_ERROR,
			 "there is no MicroVM %s: neither /etc/microvm/%s.conf nor one that runs",
			 item->name, item->name);
		return NO_SUCH;
	}
	screen_begin(!call_has(call, "no-pager"));
	r = item_print(bus, item);
	if (r == EXIT_DONE)
		r = console_print(item, call_value(call, "lines"));
	shown = screen_end();
	return r != EXIT_DONE ? r : shown != EXIT_DONE ? shown : code_of(item);
}

int verb_status(const struct call *call)
{
	OWNED(drop_systemd) struct systemd bus = { 0 };
	OWNED(drop_configuration) struct configuration configuration = { 0 };
	OWNED(drop_item) struct item item = { 0 };
	OWNED(drop_str) char *name = NULL;
	const char *lines = call_value(call, "lines");
	int r = instance_name(call->arguments[0], &name);

	if (r == EXIT_DONE && lines && (!*lines || lines[strspn(lines, "0123456789")])) {
		log_line(LEVEL_ERROR, "--lines=%s is not a number", lines);
		return EXIT_CALLED_WRONGLY;
	}
	if (r == EXIT_DONE)
		r = bus_open(&bus);
	if (r == EXIT_DONE)
		r = configuration_read(&configuration);
	if (r == EXIT_DONE)
		r = item_read(&bus, &configuration, name, &item);
	return r == EXIT_DONE ? show(call, &bus, &item) : r;
}
