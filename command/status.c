/* SPDX-License-Identifier: MIT */
#include "verb.h"

#include "as-json.h"
#include "findings.h"
#include "host-link.h"
#include "instance.h"
#include "item-json.h"
#include "journal.h"
#include "measure.h"
#include "table.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../hypervisors/hypervisor.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

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

static void package_print(const char *label, enum colour colour, const char *package)
{
	OWNED(drop_str) char *system = system_found(package);

	fact(label, colour, "%s%s%s", package, system ? ", " : "", system ? system : "");
}

/* What a package runs, and how, it knows alone. */
static void packages_print(const struct item *item, const struct microvm *vm)
{
	const char *next = item_next_package(item);

	package_print("Package", PLAIN, vm->runner);
	if (next)
		package_print("Next", ATTENTION, next);
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

static void use_print(const struct item *item, const struct microvm *vm)
{
	bool sized = vm && !vm->runner; /* what a package has, it knows alone */
	OWNED(drop_str) char *mem = sized ? measure_bytes(vm->mem) : text_copy("?");
	OWNED(drop_str) char *used = measure_bytes(memory_found(item));
	OWNED(drop_str) char *vcpu = sized ? text_format("%u", vm->vcpu) : text_copy("?");
	uint64_t cpu = property_number(&item->unit, "CPUUsageNSec");

	fact("Memory", PLAIN, "%s for the guest%s%s%s", mem, item_runs(item) ? ", " : "",
	     item_runs(item) ? used : "", item_runs(item) ? " used on the host" : "");
	if (item_runs(item) && cpu != UINT64_MAX)
		fact("CPU", PLAIN, "%s virtual, %" PRIu64 ".%03" PRIu64 "s used", vcpu, cpu / 1000000000,
		     cpu / 1000000 % 1000);
}

static int units_print(struct systemd *bus, const struct item *item)
{
	OWNED(drop_listed_units) struct listed_units units = { 0 };
	const char *label = "Units";
	int r = item_units(bus, item, &units);

	for (size_t i = 0; i < units.count; i++) {
		const struct listed_unit *u = &units.at[i];

		fact(label, strcmp(u->active, "failed") == 0 ? BAD : PLAIN, "%s %s (%s)", u->name,
		     u->active, u->sub);
		label = "";
	}
	return r;
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
	const char *label = "Interfaces";

	for (each(struct interface, i, vm->interfaces)) {
		OWNED(drop_text) struct text state = { 0 };
		OWNED(drop_str) char *mac = mac_found(vm, i);
		OWNED(drop_str) char *type = value_found(&i->section, "type");

		link_text(i, &state);
		fact(label, PLAIN, "%s %s%s%s%s", i->section.id, type,
		     mac ? ", guest " : "", mac ? mac : "", state.at ? state.at : "");
		label = "";
	}
}

/* "64M", "64M, 1.2M on disk", or why not. */
static char *volume_size(const char *path)
{
	OWNED(drop_str) char *size = NULL, *used = NULL;
	struct volume_found found;

	volume_find(path, &found);
	if (found.error)
		return text_format("%s%s", found.block ? "" : "not there: ", strerror(found.error));
	size = measure_bytes(found.size);
	if (found.block)
		return MOVE(size);
	used = measure_bytes(found.used);
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
		OWNED(drop_str) char *proto = value_found(&s->section, "proto");

		fact(label, PLAIN, "%s %s by %s%s", s->section.id, source, proto,
		     s->read_only ? ", read-only" : "");
		label = "";
	}
}

static void devices_print(const struct microvm *vm)
{
	const char *label = "Devices";

	for (each(struct device, d, vm->devices)) {
		OWNED(drop_str) char *driver = driver_found(d);
		const char *name = driver ? driver : "no driver";

		fact(label, PLAIN, "%s %s%s%s", d->section.id, d->path,
		     d->bus == BUS_PCI ? ", " : "", d->bus == BUS_PCI ? name : "");
		label = "";
	}
}

static void line_print(void *context, uint64_t usec, const char *line)
{
	time_t seconds = (time_t)(usec / 1000000);
	char when[32] = "";
	struct tm tm;

	(void)context;
	if (localtime_r(&seconds, &tm))
		(void)strftime(when, sizeof(when), "%b %d %H:%M:%S", &tm);
	printf("  %s%s%s %s\n", screen_colour(FAINT), when, screen_colour(PLAIN), line);
}

static int console_print(const struct item *item, size_t lines)
{
	OWNED(drop_str) char *unit = instance_unit(item->name);
	int r;

	if (lines == 0)
		return EXIT_DONE;
	(void)putchar('\n');
	r = journal_last(unit, lines, line_print, NULL);
	return r < 0 ? log_failure(r, "cannot read the journal") : EXIT_DONE;
}

static int item_print(struct systemd *bus, const struct item *item, size_t lines)
{
	const struct microvm *vm = item_microvm(item);

	int r;

	head_print(item);
	files_print(item);
	if (vm && vm->runner)
		packages_print(item, vm);
	else if (vm)
		hypervisor_print(item, vm);
	if (vm || item_runs(item))
		use_print(item, vm);
	if (vm) {
		interfaces_print(vm);
		volumes_print(vm);
		shares_print(vm);
		devices_print(vm);
	}
	r = units_print(bus, item);
	return r == EXIT_DONE ? console_print(item, lines) : r;
}

static int item_as_json(struct systemd *bus, const struct item *item, size_t lines)
{
	struct json_object *o = item_json(item);
	int r = item_json_add(o, bus, item, lines);

	json_print(o);
	return r;
}

/* What systemctl status ends with (LSB). */
enum { NOT_RUNNING = 3, NO_SUCH = 4 };

static int code_of(const struct item *item)
{
	return item_runs(item) ? EXIT_DONE : NOT_RUNNING;
}

static int show(const struct call *call, struct systemd *bus, const struct item *item)
{
	const char *told = call_value(call, "lines");
	size_t lines = told ? strtoul(told, NULL, 10) : 10;
	int r, shown;

	if (item_is_nothing(item)) {
		log_line(LEVEL_ERROR,
			 "there is no MicroVM %s: neither /etc/microvm/%s.conf nor one that runs",
			 item->name, item->name);
		return NO_SUCH;
	}
	screen_begin(!call_has(call, "no-pager"));
	r = call_has(call, "json") ? item_as_json(bus, item, lines) : item_print(bus, item, lines);
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
