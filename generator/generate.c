/* SPDX-License-Identifier: MIT */
#include "generate.h"

#include "claims.h"
#include "dropins.h"
#include "running.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What one run has seen of all MicroVMs. */
struct run {
	const struct generate *how;
	struct claims *claims;
	uint64_t autostart_mem;
};

static int one_write(const struct run *run, const struct microvm *vm, const struct problems *problems)
{
	struct running running;
	int r;

	if (!run->how->sink)
		return 0;
	if (problems->errors.count == 0)
		return dropins_write(run->how->sink, vm);
	r = running_read(run->how->root, vm->name, &running);
	if (r < 0)
		return r;
	return dropins_write_broken(run->how->sink, vm, &running, &problems->errors);
}

static void tell_unwritten(const struct run *run, const struct source *source, int error)
{
	OWNED(drop_problems) struct problems problems = { 0 };

	problem(&(struct spot){ .problems = &problems, .place.file = source->shown },
		"its units cannot be written: %s", strerror(-error));
	run->how->tell(&problems);
}

static int one(struct run *run, const struct sources *sources, const struct source *source)
{
	OWNED(drop_problems) struct problems problems = { 0 };
	OWNED(drop_microvm) struct microvm vm;
	int r, bad;

	microvm_init(&vm, source->name);
	bad = source_load(sources, source, &vm, &problems);
	if (bad == 0)
		bad = claims_enter(run->claims, run->how->root, &vm, &problems);
	if (bad == 0 && run->how->look_at_host)
		microvm_check_host(&vm, &problems);
	if (vm.autostart)
		run->autostart_mem += vm.mem;
	run->how->tell(&problems);
	r = one_write(run, &vm, &problems);
	if (r < 0)
		tell_unwritten(run, source, r);
	return r < 0 ? r : bad;
}

static uint64_t host_mem(const char *root)
{
	OWNED(drop_str) char *path = text_format("%s/proc/meminfo", root);
	OWNED(drop_file) FILE *f = fopen(path, "re");
	uint64_t kib = 0;

	if (!f || fscanf(f, "MemTotal: %ju kB", &kib) != 1)
		return 0;
	return kib << 10;
}

/* A host can be short of RAM and live with it: guests seldom use all of theirs. */
static void warn_of_memory(const struct run *run)
{
	OWNED(drop_problems) struct problems problems = { 0 };
	uint64_t have = run->autostart_mem > 0 ? host_mem(run->how->root) : 0;

	if (have == 0 || run->autostart_mem <= have)
		return;
	words_addf(&problems.warnings, "all MicroVMs with autostart=yes want %ju MiB of RAM together, the "
		   "host has %ju MiB", (uintmax_t)(run->autostart_mem >> 20), (uintmax_t)(have >> 20));
	run->how->tell(&problems);
}

static void warn_of_strays(const struct run *run, const struct sources *sources)
{
	for (size_t i = 0; i < sources->strays.count; i++) {
		OWNED(drop_problems) struct problems problems = { 0 };
		OWNED(drop_text) struct text shown = { 0 };
		const char *folder;

		text_add_shown(&shown, sources->strays.at[i]);
		folder = shown.at;
		words_addf(&problems.warnings, "%s: there is no %.*s for these drop-ins; nothing is made "
			   "of them", folder, (int)strlen(folder) - 2, folder);
		run->how->tell(&problems);
	}
}

static bool is_configured(const struct sources *sources, const char *name)
{
	size_t low = 0, high = sources->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int r = strcmp(sources->at[middle].name, name);

		if (r == 0)
			return true;
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static int removed(const struct run *run, const struct sources *sources)
{
	OWNED(drop_words) struct words names = { 0 };
	int r;

	if (!run->how->sink)
		return 0;
	r = running_names(run->how->root, &names);
	for (size_t i = 0; i < names.count; i++) {
		struct running running;
		int w;

		if (is_configured(sources, names.at[i]) || !microvm_name_fits(names.at[i]))
			continue;
		w = running_read(run->how->root, names.at[i], &running);
		if (w == 0)
			w = dropins_write_removed(run->how->sink, names.at[i], &running);
		r = r < 0 ? r : w;
	}
	return r;
}

int generate(const struct generate *g, const struct sources *sources)
{
	OWNED(drop_claims) struct claims *claims = claims_new();
	struct run run = { .how = g, .claims = claims };
	int r = 0, w;

	/* One MicroVM that fails costs the others nothing; what could not be written counts more than
	 * what was refused. */
	for (size_t i = 0; i < sources->count; i++) {
		w = one(&run, sources, &sources->at[i]);
		r = w == 0 || (w == -EINVAL && r < 0) ? r : w;
	}
	w = removed(&run, sources);
	warn_of_memory(&run);
	warn_of_strays(&run, sources);
	return w < 0 ? w : r;
}
