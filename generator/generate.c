/* SPDX-License-Identifier: MIT */
#include "generate.h"

#include "claims.h"
#include "dropins.h"
#include "running.h"
#include "shares.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where systemd keeps its programs, on a host with one /usr and on one without. */
static bool find_machined(const char *root)
{
	OWNED(drop_str) char *usual = text_format("%s/usr/lib/systemd/systemd-machined", root);
	OWNED(drop_str) char *old = text_format("%s/lib/systemd/systemd-machined", root);

	return access(usual, F_OK) == 0 || access(old, F_OK) == 0;
}

/* What one run has seen of all MicroVMs. */
struct run {
	const struct generate *how;
	struct claims *claims;
	uint64_t autostart_mem;
	struct words shares; /* that are served, "NAME:TAG" */
	struct words bound;  /* those of them that their file still has */
	bool has_machined;
};

static int one_write(struct run *run, const struct microvm *vm, const struct problems *problems,
		     uint64_t *digest)
{
	struct running running;
	int r;

	if (!run->how->sink)
		return 0;
	r = running_read(run->how->root, vm->name, &running);
	/* What cannot be known of a run costs no start. */
	if (problems->errors.count == 0) {
		shares_running(vm, &run->shares, &run->bound);
		return dropins_write(run->how->sink, vm, &running, digest);
	}
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
	uint64_t digest = 0;
	int r, bad;

	microvm_init(&vm, source->name);
	bad = source_load(sources, source, &vm, &problems);
	if (bad == 0)
		bad = claims_enter(run->claims, run->how->root, &vm, &problems);
	if (bad == 0 && run->how->look_at_host)
		microvm_check_host(&vm, &problems);
	vm.register_with_machined &= run->has_machined;
	if (vm.autostart)
		run->autostart_mem += vm.mem;
	run->how->tell(&problems);
	r = one_write(run, &vm, &problems, &digest);
	if (r < 0)
		tell_unwritten(run, source, r);
	if (run->how->seen)
		run->how->seen(run->how->context,
			       &(struct outcome){ source, &vm, &problems, digest });
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

		if (sources_look_up(sources, names.at[i]) || !microvm_name_fits(names.at[i]))
			continue;
		w = running_read(run->how->root, names.at[i], &running);
		if (w == 0)
			w = dropins_write_removed(run->how->sink, names.at[i], &running);
		r = r < 0 ? r : w;
	}
	return r;
}

/* What binds a virtiofsd to its MicroVM is in a drop-in, since the template cannot take the name out of NAME:TAG; so it
 * is made for those that run, whatever the file says by now. */
static int shares_unbound(struct run *run)
{
	int r = 0;

	words_sort(&run->bound);
	for (size_t i = 0; i < run->shares.count; i++) {
		const char *share = run->shares.at[i];
		int w = words_find(&run->bound, share) ? 0 : share_write_running(run->how->sink, share);

		r = r < 0 ? r : w;
	}
	return r;
}

int generate(const struct generate *g, const struct sources *sources)
{
	OWNED(drop_claims) struct claims *claims = claims_new();
	struct run run = { .how = g, .claims = claims, .has_machined = find_machined(g->root) };
	int r = g->sink ? running_shares(g->root, &run.shares) : 0, w;

	/* One MicroVM that fails costs the others nothing; what could not be written counts more than
	 * what was refused. */
	for (size_t i = 0; i < sources->count; i++) {
		w = one(&run, sources, &sources->at[i]);
		r = w == 0 || (w == -EINVAL && r < 0) ? r : w;
	}
	w = removed(&run, sources);
	r = w < 0 ? w : r;
	w = shares_unbound(&run);
	drop_words(&run.shares);
	drop_words(&run.bound);
	warn_of_memory(&run);
	warn_of_strays(&run, sources);
	return w < 0 ? w : r;
}
