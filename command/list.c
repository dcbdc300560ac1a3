/* SPDX-License-Identifier: MIT */
#include "verb.h"

#include "inventory.h"
#include "as-json.h"
#include "findings.h"
#include "item-json.h"
#include "measure.h"
#include "table.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../hypervisors/hypervisor.h"

#include <string.h>

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

/* Of what a package says that it runs, the name: the folder is the same for all, as for those that Nix builds. */
static char *system_name(const struct microvm *vm)
{
	OWNED(drop_str) char *system = vm && vm->runner ? system_found(vm->runner) : NULL;
	const char *slash = system ? strrchr(system, '/') : NULL;

	return system ? text_copy(slash ? slash + 1 : system) : NULL;
}

static void remark_add(struct table *t, const struct item *item)
{
	OWNED(drop_str) char *system = system_name(item_microvm(item));
	const char *more = remark(item);

	table_addf(t, more && item_runs(item) ? ATTENTION : FAINT, "%s%s%s", more ? more : system ? "" : "-",
		   more && system ? ", " : "", system ? system : "");
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

	table_add(t, PLAIN, item->name);
	state_add(t, item);
	table_add(t, PLAIN, vm ? hypervisor_of(vm)->name : "-");
	if (sized)
		table_addf(t, PLAIN, "%u", vm->vcpu);
	else
		table_add(t, PLAIN, "-");
	table_add(t, PLAIN, mem);
	table_add(t, PLAIN, uptime);
	remark_add(t, item);
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

static void json_show(const struct inventory *v)
{
	struct json_object *list = json_new_list();

	for (size_t i = 0; i < v->count; i++)
		json_append(list, item_json(&v->at[i]));
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
