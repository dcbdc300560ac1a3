/* SPDX-License-Identifier: MIT */
#include "apply.h"

#include "instance.h"
#include "inventory.h"
#include "table.h"
#include "verb.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <stdio.h>
#include <string.h>

enum change { UNCHANGED, NEW, CHANGED, REMOVED, BROKEN, CHANGES };
enum action { NOTHING, START, STOP, RESTART, ACTIONS };

struct step {
	const struct item *item;
	enum change change;
	enum action action;
	const char *remark;
};

struct plan {
	const struct apply *how;
	struct step *at;
	size_t count;
};

static void drop_plan(struct plan *p)
{
	free(p->at);
	*p = (struct plan){ 0 };
}

/* Started with the host, by its file or by systemctl enable. */
static bool is_wanted(const struct item *item)
{
	return item->conf->vm.autostart ||
	       strcmp(property(&item->unit, "UnitFileState"), "enabled") == 0;
}

/* One that somebody stopped stays so; one that failed, or never had the chance, does not. */
static bool is_missing(const struct item *item)
{
	return item->state == STATE_FAILED ||
	       property_number(&item->unit, "InactiveExitTimestampMonotonic") == 0;
}

/* What was made of its file at the last reload, and of the one that runs when it was started. */
static uint64_t digest_before(const struct item *item)
{
	return item_runs(item) ? item->digest : item_loaded_digest(item);
}

static enum change change_of(const struct item *item)
{
	uint64_t before = digest_before(item);

	if (!item->conf)
		return REMOVED;
	if (item_is_broken(item))
		return BROKEN;
	if (before == 0)
		return item_runs(item) ? UNCHANGED : NEW;
	return before == item->conf->digest ? UNCHANGED : CHANGED;
}

static struct step removed(const struct item *item)
{
	return (struct step){ item, REMOVED, STOP, NULL };
}

static struct step broken(const struct item *item)
{
	return (struct step){ item, BROKEN, NOTHING,
			      item_runs(item) ? "runs on as it was started" : "cannot be started" };
}

static struct step running(const struct item *item, enum change change, bool restart)
{
	if (change == UNCHANGED)
		return (struct step){ item, UNCHANGED, NOTHING, NULL };
	if (restart || item->conf->vm.restart_if_changed)
		return (struct step){ item, CHANGED, RESTART, NULL };
	return (struct step){ item, CHANGED, NOTHING,
			      "stale until it is restarted (restartIfChanged=no)" };
}

static struct step not_running(const struct item *item, enum change change)
{
	if (!is_wanted(item))
		return (struct step){ item, change, NOTHING,
				      change == NEW ? "no autostart" : NULL };
	if (!is_missing(item))
		return (struct step){ item, change, NOTHING, "was stopped" };
	return (struct step){ item, change, START, NULL };
}

static struct step step_of(const struct item *item, bool restart)
{
	enum change change = change_of(item);

	if (change == REMOVED)
		return removed(item);
	if (change == BROKEN)
		return broken(item);
	return item_runs(item) ? running(item, change, restart) : not_running(item, change);
}

/* With neither a file nor anything in systemd there is nothing to reconcile. */
static bool concerns(const struct item *item)
{
	return item->conf || item_is_removed(item) ||
	       (item->state == STATE_FAILED && !item->package);
}

static bool is_meant(const struct plan *p, const struct item *item)
{
	return !p->how->only || strcmp(p->how->only, item->name) == 0;
}

/* One that is not meant is among them: it may run on one that is, and be stopped with it. */
static void plan_make(const struct inventory *v, struct plan *ret)
{
	ret->at = must(calloc(v->count + 1, sizeof(*ret->at)));
	for (size_t i = 0; i < v->count; i++)
		if (is_meant(ret, &v->at[i]) && concerns(&v->at[i]))
			ret->at[ret->count++] = step_of(&v->at[i], ret->how->restart);
		else if (!is_meant(ret, &v->at[i]))
			ret->at[ret->count++] = (struct step){ &v->at[i], UNCHANGED, NOTHING, NULL };
}

static void row_add(struct table *t, const struct step *s)
{
	static const struct {
		const char *name;
		enum colour colour;
	} changes[CHANGES] = {
		[UNCHANGED] = { "unchanged", FAINT }, [NEW] = { "new", GOOD },
		[CHANGED] = { "changed", ATTENTION }, [REMOVED] = { "removed", ATTENTION },
		[BROKEN] = { "broken", BAD },
	};
	static const char *const actions[ACTIONS] = { "-", "start", "stop", "restart" };

	table_add(t, PLAIN, s->item->name);
	table_add(t, changes[s->change].colour, changes[s->change].name);
	table_add(t, PLAIN, actions[s->action]);
	table_add(t, FAINT, s->remark ? s->remark : "");
}

static void plan_print(const struct plan *p)
{
	static const char *const headers[] = { "NAME", "CONF", "ACTION", "", NULL };
	OWNED(drop_table) struct table t;

	table_begin(&t, headers);
	for (size_t i = 0; i < p->count; i++)
		if (is_meant(p, p->at[i].item))
			row_add(&t, &p->at[i]);
	if (p->count > 0)
		table_print(&t, true);
	else
		puts("No MicroVM is configured, and none runs.");
	(void)fflush(stdout);
}

static int job(struct systemd *bus, const char *method, const struct item *item)
{
	OWNED(drop_str) char *unit = instance_unit(item->name);

	bus_reset_failed(bus, unit);
	return bus_job(bus, method, unit);
}

/* Not systemd's restart: that would start anew also what prepared it and is not wanted any more. */
static int stop_all(struct systemd *bus, const struct plan *p)
{
	int r = EXIT_DONE, w;

	for (size_t i = 0; i < p->count; i++) {
		enum action a = p->at[i].action;

		if ((a == STOP || a == RESTART) && job(bus, "StopUnit", p->at[i].item) != EXIT_DONE)
			r = EXIT_REFUSED;
	}
	w = bus_wait(bus);
	return r == EXIT_DONE ? w : r;
}

/* Also those that ran on what was stopped, and were stopped with it. */
static int start_all(struct systemd *bus, const struct plan *p)
{
	int r = EXIT_DONE, w;

	for (size_t i = 0; i < p->count; i++) {
		const struct step *s = &p->at[i];
		bool again = s->action != STOP && item_runs(s->item);

		if ((again || s->action == START) && job(bus, "StartUnit", s->item) != EXIT_DONE)
			r = EXIT_REFUSED;
	}
	w = bus_wait(bus);
	return r == EXIT_DONE ? w : r;
}

/* One that fails does not keep the others from being stopped or started. */
static int act(struct systemd *bus, const struct plan *p)
{
	int r = bus_reload(bus), w;

	if (r != EXIT_DONE)
		return r;
	r = stop_all(bus, p);
	w = start_all(bus, p);
	return r == EXIT_DONE ? w : r;
}

static int tell_broken(const struct plan *p)
{
	int r = EXIT_DONE;

	for (size_t i = 0; i < p->count; i++)
		if (p->at[i].change == BROKEN && configured_refused(p->at[i].item->conf))
			r = EXIT_REFUSED;
	return r;
}

int apply(const struct apply *how)
{
	OWNED(drop_systemd) struct systemd bus = { 0 };
	OWNED(drop_inventory) struct inventory v = { 0 };
	OWNED(drop_plan) struct plan plan = { .how = how };
	int r = bus_open(&bus), done;

	if (r == EXIT_DONE)
		r = inventory_read(&bus, &v);
	if (r != EXIT_DONE)
		return r;
	plan_make(&v, &plan);
	plan_print(&plan);
	r = tell_broken(&plan);
	done = how->dry_run ? EXIT_DONE : act(&bus, &plan);
	return done == EXIT_DONE ? r : done;
}

int verb_apply(const struct call *call)
{
	return apply(&(struct apply){ .dry_run = call_has(call, "dry-run") });
}
