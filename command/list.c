/* SPDX-License-Identifier: MIT */
#include "verb.h"

#include "inventory.h"
#include "as-json.h"
#include "measure.h"
#include "table.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../hypervisors/hypervisor.h"

/* What sets it apart from one that runs as its file says; NULL: nothing. */
static const char *remark(const struct item *item)
{
	if (item_is_removed(item))
		return "removed";
	if (item_runs(item) && item_is_broken(item))
		return "broken conf";
	if (item_is_stale(item))
		return "stale";
	return item->conf || item->package ? NULL : "not configured";
}

static void state_add(struct table *t, const struct item *item)
{
	OWNED(drop_str) char *reason = item_reason(item);

	table_addf(t, state_colour(item->state), "%s%s%s%s", state_name(item->state),
		   reason ? " (" : "", reason ? reason : "", reason ? ")" : "");
}

static void row_add(struct table *t, const struct item *item)
{
	const struct microvm *vm = item_microvm(item);
	bool sized = vm && !vm->runner; /* what a package has, it knows alone */
	OWNED(drop_str) char *mem = sized ? measure_bytes(vm->mem) : text_copy("-");
	OWNED(drop_str) char *uptime = measure_seconds(item_uptime(item));
	const char *more = remark(item);

	table_add(t, PLAIN, item->name);
	state_add(t, item);
	table_add(t, PLAIN, vm ? hypervisor_of(vm)->name : "-");
	if (sized)
		table_addf(t, PLAIN, "%u", vm->vcpu);
	else
		table_add(t, PLAIN, "-");
	table_add(t, PLAIN, mem);
	table_add(t, PLAIN, uptime);
	table_add(t, item_runs(item) ? ATTENTION : FAINT, more ? more : "-");
}

static void table_show(const struct inventory *v, bool legend)
{
	static const char *const headers[] = { "NAME", "STATE",	 "HYPERVISOR", "VCPU",
					       "MEM",  "UPTIME", "REMARK",     NULL };
	OWNED(drop_table) struct table t;

	table_begin(&t, headers);
	for (size_t i = 0; i < v->count; i++)
		row_add(&t, &v->at[i]);
	if (v->count > 0)
		table_print(&t, legend);
	if (legend)
		printf("%s%zu MicroVM%s.\n", v->count ? "\n" : "", v->count,
		       v->count == 1 ? "" : "s");
}

static struct json_object *json_of_item(const struct item *item)
{
	OWNED(drop_str) char *reason = item_reason(item);
	const struct microvm *vm = item_microvm(item);
	struct json_object *o = json_new();

	json_add_text(o, "name", item->name);
	json_add_text(o, "state", state_name(item->state));
	json_add_text(o, "reason", reason);
	json_add_text(o, "file", item->conf ? item->conf->source->shown : NULL);
	json_add_text(o, "hypervisor", vm ? hypervisor_of(vm)->name : NULL);
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

static void json_show(const struct inventory *v)
{
	struct json_object *list = json_new_list();

	for (size_t i = 0; i < v->count; i++)
		json_append(list, json_of_item(&v->at[i]));
	json_print(list);
}

int verb_list(const struct call *call)
{
	OWNED(drop_systemd) struct systemd bus = { 0 };
	OWNED(drop_inventory) struct inventory v = { 0 };
	int r = bus_open(&bus);

	if (r == EXIT_DONE)
		r = inventory_read(&bus, &v);
	if (r != EXIT_DONE)
		return r;
	screen_begin(!call_has(call, "no-pager"));
	if (call_has(call, "json"))
		json_show(&v);
	else
		table_show(&v, !call_has(call, "no-legend"));
	return screen_end();
}
