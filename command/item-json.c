/* SPDX-License-Identifier: MIT */
#include "item-json.h"

#include "as-json.h"
#include "findings.h"
#include "host-link.h"
#include "instance.h"
#include "journal.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../hypervisors/hypervisor.h"

#include <string.h>

static void add_package(struct json_object *o, const char *key, const char *package)
{
	OWNED(drop_str) char *system = package ? system_found(package) : NULL;
	struct json_object *p = package ? json_new() : NULL;

	if (p) {
		json_add_text(p, "path", package);
		json_add_text(p, "system", system);
	}
	json_add(o, key, p);
}

struct json_object *item_json(const struct item *item)
{
	OWNED(drop_str) char *reason = item_reason(item);
	const struct microvm *vm = item_microvm(item);
	struct json_object *o = json_new();

	json_add_text(o, "name", item->name);
	json_add_text(o, "state", state_name(item->state));
	json_add_text(o, "reason", reason);
	json_add_text(o, "file", item->conf ? item->conf->source->shown : NULL);
	json_add_text(o, "hypervisor", vm ? hypervisor_of(vm)->name : NULL);
	add_package(o, "package", vm ? vm->runner : NULL);
	add_package(o, "nextPackage", item_next_package(item));
	if (vm && !vm->runner) {
		json_add_number(o, "vcpu", vm->vcpu);
		json_add_number(o, "mem", vm->mem);
	}
	json_add_number(o, "uptime", item_uptime(item));
	json_add_bool(o, "stale", item_is_stale(item));
	json_add_bool(o, "removed", item_is_removed(item));
	json_add_words(o, "errors",
		       item->conf ? &item->conf->problems.errors : &(struct words){ 0 });
	return o;
}

static void add_value(struct json_object *o, const struct section *s, const char *key)
{
	OWNED(drop_str) char *value = value_found(s, key);

	json_add_text(o, key, value);
}

static struct json_object *interface_json(const struct microvm *vm, const struct interface *i)
{
	OWNED(drop_host_link) struct host_link l = { 0 };
	OWNED(drop_str) char *mac = mac_found(vm, i);
	struct json_object *o = json_new();

	json_add_text(o, "id", i->section.id);
	add_value(o, &i->section, "type");
	json_add_text(o, "mac", mac);
	if (i->type == NET_USER)
		return o;
	host_link_read(i->section.id, &l);
	json_add_bool(o, "exists", l.exists);
	json_add_bool(o, "up", l.up);
	json_add_text(o, "bridge", l.bridge);
	json_add_words(o, "addresses", &l.addresses);
	return o;
}

static struct json_object *volume_json(const struct microvm *vm, const struct volume *v)
{
	OWNED(drop_str) char *path = volume_path(vm, v);
	struct json_object *o = json_new();
	struct volume_found found;

	volume_find(path, &found);
	json_add_text(o, "id", v->section.id);
	json_add_text(o, "path", path);
	json_add_bool(o, "readOnly", v->read_only);
	json_add_text(o, "error", found.error ? strerror(found.error) : NULL);
	if (found.error)
		return o;
	json_add_number(o, "size", found.size);
	if (!found.block)
		json_add_number(o, "used", found.used);
	return o;
}

static struct json_object *share_json(const struct microvm *vm, const struct share *s)
{
	OWNED(drop_str) char *source = share_source(vm, s);
	struct json_object *o = json_new();

	json_add_text(o, "tag", s->section.id);
	json_add_text(o, "source", source);
	add_value(o, &s->section, "proto");
	json_add_bool(o, "readOnly", s->read_only);
	return o;
}

static struct json_object *device_json(const struct device *d)
{
	OWNED(drop_str) char *driver = driver_found(d);
	struct json_object *o = json_new();

	json_add_text(o, "id", d->section.id);
	add_value(o, &d->section, "bus");
	json_add_text(o, "path", d->path);
	if (d->bus == BUS_PCI)
		json_add_text(o, "driver", driver);
	return o;
}

static void add_parts(struct json_object *o, const struct microvm *vm)
{
	struct json_object *interfaces = json_new_list(), *volumes = json_new_list();
	struct json_object *shares = json_new_list(), *devices = json_new_list();

	for (each(struct interface, i, vm->interfaces))
		json_append(interfaces, interface_json(vm, i));
	for (each(struct volume, v, vm->volumes))
		json_append(volumes, volume_json(vm, v));
	for (each(struct share, s, vm->shares))
		json_append(shares, share_json(vm, s));
	for (each(struct device, d, vm->devices))
		json_append(devices, device_json(d));
	json_add(o, "interfaces", interfaces);
	json_add(o, "volumes", volumes);
	json_add(o, "shares", shares);
	json_add(o, "devices", devices);
}

static void add_running(struct json_object *o, const struct item *item, const struct microvm *vm)
{
	OWNED(drop_str) char *socket = vm && !vm->runner ? microvm_socket(vm) : NULL;
	uint64_t cpu = property_number(&item->unit, "CPUUsageNSec");

	json_add_number(o, "pid", property_number(&item->unit, "MainPID"));
	json_add_text(o, "socket", socket);
	json_add_number(o, "memoryUsed", memory_found(item));
	if (cpu != UINT64_MAX)
		json_add_number(o, "cpuUsedNSec", cpu);
}

static int add_units(struct json_object *o, struct systemd *bus, const struct item *item)
{
	OWNED(drop_listed_units) struct listed_units units = { 0 };
	struct json_object *list = json_new_list();
	int r = item_units(bus, item, &units);

	for (size_t i = 0; i < units.count; i++) {
		struct json_object *unit = json_new();

		json_add_text(unit, "name", units.at[i].name);
		json_add_text(unit, "active", units.at[i].active);
		json_add_text(unit, "sub", units.at[i].sub);
		json_append(list, unit);
	}
	json_add(o, "units", list);
	return r;
}

static void line_add(void *context, uint64_t usec, const char *text)
{
	struct json_object *line = json_new();

	json_add_number(line, "usec", usec);
	json_add_text(line, "text", text);
	json_append(context, line);
}

static int add_console(struct json_object *o, const struct item *item, size_t lines)
{
	OWNED(drop_str) char *unit = instance_unit(item->name);
	struct json_object *list = json_new_list();
	int r = journal_last(unit, lines, line_add, list);

	json_add(o, "console", list);
	return r < 0 ? log_failure(r, "cannot read the journal") : EXIT_DONE;
}

int item_json_add(struct json_object *o, struct systemd *bus, const struct item *item, size_t lines)
{
	const struct microvm *vm = item_microvm(item);
	int r;

	json_add_words(o, "dropIns",
		       item->conf ? &item->conf->source->dropins : &(struct words){ 0 });
	if (item_runs(item))
		add_running(o, item, vm);
	if (vm)
		add_parts(o, vm);
	r = add_units(o, bus, item);
	return r == EXIT_DONE ? add_console(o, item, lines) : r;
}
