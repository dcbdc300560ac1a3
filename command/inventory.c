/* SPDX-License-Identifier: MIT */
#include "inventory.h"

#include "deployed.h"
#include "instance.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../helpers/state.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const struct {
	const char *name;
	enum colour colour;
} states[STATES] = {
	[STATE_STOPPED] = { "stopped", FAINT },	      [STATE_STARTING] = { "starting", ATTENTION },
	[STATE_RUNNING] = { "running", GOOD },	      [STATE_READY] = { "ready", GOOD },
	[STATE_STOPPING] = { "stopping", ATTENTION }, [STATE_FAILED] = { "failed", BAD },
	[STATE_BROKEN] = { "broken conf", BAD },
};

const char *state_name(enum state state)
{
	return states[state].name;
}

enum colour state_colour(enum state state)
{
	return states[state].colour;
}

static enum state state_of(const struct item *item)
{
	const char *active = property(&item->unit, "ActiveState");

	if (strcmp(active, "active") == 0 || strcmp(active, "reloading") == 0)
		return item->has_run && item->run.readiness == READINESS_GUEST ? STATE_READY
									       : STATE_RUNNING;
	if (strcmp(active, "activating") == 0)
		return STATE_STARTING;
	if (strcmp(active, "deactivating") == 0)
		return STATE_STOPPING;
	if (item_is_broken(item))
		return STATE_BROKEN;
	return strcmp(active, "failed") == 0 ? STATE_FAILED : STATE_STOPPED;
}

int item_read(struct systemd *bus, const struct configuration *configuration, const char *name,
	      struct item *ret)
{
	OWNED(drop_str) char *unit = instance_unit(name);
	OWNED(drop_str) char *folder = text_format("/var/lib/microvms/%s", name);
	OWNED(drop_str) char *package = text_format("%s/current", folder);
	OWNED(drop_str) char *dir = text_format("/run/microvm/%s", name);
	struct stat st;
	int r;

	*ret = (struct item){ .name = text_copy(name),
			      .conf = configuration_find(configuration, name) };
	ret->folder = lstat(folder, &st) == 0 || deployed_is(name);
	ret->package = lstat(package, &st) == 0;
	ret->has_run = instance_state(name, &ret->run) == 0;
	if (state_read_digest(dir, &ret->digest) < 0)
		ret->digest = 0;
	r = bus_unit(bus, unit, &ret->unit);
	ret->state = state_of(ret);
	return r;
}

void drop_item(struct item *item)
{
	if (!item->name)
		return;
	free(item->name);
	drop_words(&item->unit);
	drop_microvm(&item->run);
	*item = (struct item){ 0 };
}

/* A folder of MicroVMs: each entry is a name. One that does not exist, or is closed to us, holds
 * none. */
static void names_in(const char *path, struct words *ret)
{
	OWNED(drop_dir) DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && microvm_name_fits(entry->d_name))
			words_add(ret, entry->d_name);
}

static int names_of_units(struct systemd *bus, struct words *ret)
{
	OWNED(drop_listed_units) struct listed_units units = { 0 };
	OWNED(drop_words) struct words pattern = { 0 };
	int r;

	words_add(&pattern, "microvm@*.service");
	r = bus_units(bus, &pattern, &units);
	for (size_t i = 0; i < units.count; i++) {
		const char *name = units.at[i].name + strlen("microvm@");
		int n = (int)(strlen(name) - strlen(".service"));
		OWNED(drop_str) char *instance = text_format("%.*s", n, name);

		/* What only somebody asked for, and nothing else knows of. */
		if (strcmp(units.at[i].active, "inactive") != 0)
			words_add(ret, instance);
	}
	return r;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In order, each once. */
static void names_sort(struct words *names)
{
	size_t n = 0;

	if (names->count > 1)
		qsort(names->at, names->count, sizeof(*names->at), by_text);
	for (size_t i = 0; i < names->count; i++) {
		if (n > 0 && strcmp(names->at[n - 1], names->at[i]) == 0)
			free(names->at[i]);
		else
			names->at[n++] = names->at[i];
	}
	if (names->count > 0)
		names->at[n] = NULL;
	names->count = n;
}

static void names_on_disk(const struct sources *sources, struct words *ret)
{
	for (size_t i = 0; i < sources->count; i++)
		words_add(ret, sources->at[i].name);
	names_in("/var/lib/microvms", ret);
	names_in(DEPLOYED, ret);
	names_in("/run/microvm", ret);
}

void inventory_names(struct words *ret)
{
	OWNED(drop_sources) struct sources sources = { 0 };
	OWNED(drop_words) struct words folders = { 0 };

	sources_folders(&folders);
	(void)sources_find("", &folders, &sources);
	names_on_disk(&sources, ret);
	names_sort(ret);
}

int inventory_read(struct systemd *bus, struct inventory *ret)
{
	OWNED(drop_words) struct words names = { 0 };
	int r;

	*ret = (struct inventory){ 0 };
	r = configuration_read(&ret->configuration);
	if (r == EXIT_DONE)
		r = names_of_units(bus, &names);
	if (r != EXIT_DONE)
		return r;
	names_on_disk(&ret->configuration.sources, &names);
	names_sort(&names);
	for (size_t i = 0; i < names.count && r == EXIT_DONE; i++) {
		ret->at = must(reallocarray(ret->at, ret->count + 1, sizeof(*ret->at)));
		r = item_read(bus, &ret->configuration, names.at[i], &ret->at[ret->count++]);
	}
	return r;
}

void drop_inventory(struct inventory *v)
{
	for (size_t i = 0; i < v->count; i++)
		drop_item(&v->at[i]);
	free(v->at);
	drop_configuration(&v->configuration);
	*v = (struct inventory){ 0 };
}

bool item_runs(const struct item *item)
{
	return item->state == STATE_STARTING || item->state == STATE_RUNNING ||
	       item->state == STATE_READY || item->state == STATE_STOPPING;
}

bool item_is_broken(const struct item *item)
{
	return item->conf && item->conf->problems.errors.count > 0;
}

bool item_is_removed(const struct item *item)
{
	return !item->conf && !item->package && item_runs(item);
}

bool item_is_stale(const struct item *item)
{
	return item_runs(item) && item->conf && !item_is_broken(item) && item->digest != 0 &&
	       item->digest != item->conf->digest;
}

const char *item_next_package(const struct item *item)
{
	const struct microvm *next = item->conf && !item_is_broken(item) ? &item->conf->vm : NULL;
	const char *runs = item_runs(item) && item->has_run ? item->run.runner : NULL;

	if (!next || !next->runner || !runs || strcmp(next->runner, runs) == 0)
		return NULL;
	return next->runner;
}

int item_units(struct systemd *bus, const struct item *item, struct listed_units *ret)
{
	OWNED(drop_words) struct words patterns = { 0 };

	words_addf(&patterns, "microvm@%s.service", item->name);
	words_addf(&patterns, "*microvm*@%s.*", item->name);
	words_addf(&patterns, "microvm-virtiofsd@%s:*", item->name);
	return bus_units(bus, &patterns, ret);
}

uint64_t item_loaded_digest(const struct item *item)
{
	static const char word[] = "Environment=MICROVM_MADE=";

	for (size_t i = 0; i < item->unit.count; i++)
		if (strncmp(item->unit.at[i], word, strlen(word)) == 0)
			return strtoull(item->unit.at[i] + strlen(word), NULL, 16);
	return 0;
}

bool item_is_nothing(const struct item *item)
{
	return !item->conf && !item->folder && item->state == STATE_STOPPED;
}

const struct microvm *item_microvm(const struct item *item)
{
	if (item_runs(item) && item->has_run)
		return &item->run;
	return item->conf && !item_is_broken(item) ? &item->conf->vm : NULL;
}

char *item_reason(const struct item *item)
{
	const char *result = property(&item->unit, "Result");
	uint64_t code = property_number(&item->unit, "ExecMainCode");
	int status = (int)property_number(&item->unit, "ExecMainStatus");

	if (item->state != STATE_FAILED)
		return NULL;
	if (strcmp(result, "exit-code") == 0 && code == CLD_EXITED && status != 0)
		return text_format("exit status %d", status);
	if (strcmp(result, "signal") == 0 && (code == CLD_KILLED || code == CLD_DUMPED))
		return text_format("killed by SIG%s",
				   sigabbrev_np(status) ? sigabbrev_np(status) : "?");
	return text_copy(result);
}

uint64_t item_uptime(const struct item *item)
{
	uint64_t since = property_number(&item->unit, "ActiveEnterTimestampMonotonic");
	struct timespec now;

	if ((item->state != STATE_RUNNING && item->state != STATE_READY) ||
	    clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		return 0;
	return (uint64_t)now.tv_sec - since / 1000000 + 1;
}
