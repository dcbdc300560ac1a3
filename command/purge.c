/* SPDX-License-Identifier: MIT */
#include "verb.h"

#include "ask.h"
#include "deployed.h"
#include "instance.h"
#include "inventory.h"
#include "measure.h"
#include "tree.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#define MICROVMS "/var/lib/microvms"

/* What there can be of a MicroVM: what it keeps, and what was deployed. */
static const char *const places[] = { MICROVMS, DEPLOYED };
enum { PLACES = sizeof(places) / sizeof(*places) };

static bool is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && (path[n] == '/' || !path[n]);
}

/* Another MicroVM's image or share in this one's folder. */
static int refuse_used_by(const struct microvm *vm, const char *folder)
{
	for (each(struct volume, v, vm->volumes)) {
		OWNED(drop_str) char *path = volume_path(vm, v);

		if (is_below(path, folder))
			return log_refusal("%s has %s for its [volume %s]", vm->name, path,
				      v->section.id);
	}
	for (each(struct share, s, vm->shares)) {
		OWNED(drop_str) char *path = s->source ? share_source(vm, s) : NULL;

		if (path && is_below(path, folder))
			return log_refusal("%s has %s for its [share %s]", vm->name, path,
				      s->section.id);
	}
	return EXIT_DONE;
}

static int refuse_used(const struct configuration *c, const char *name)
{
	int r = EXIT_DONE;

	for (size_t i = 0; i < PLACES * c->count && r == EXIT_DONE; i++) {
		OWNED(drop_str) char *folder = text_format("%s/%s", places[i % PLACES], name);

		r = refuse_used_by(&c->at[i / PLACES].vm, folder);
	}
	return r;
}

/* Also when only what prepares it is active. */
static int refuse_active(struct systemd *bus, const char *name)
{
	OWNED(drop_listed_units) struct listed_units units = { 0 };
	OWNED(drop_words) struct words patterns = { 0 };
	int r;

	words_addf(&patterns, "*microvm*@%s.service", name);
	words_addf(&patterns, "microvm-virtiofsd@%s:*", name);
	r = bus_units(bus, &patterns, &units);
	for (size_t i = 0; i < units.count && r == EXIT_DONE; i++)
		if (strcmp(units.at[i].active, "inactive") != 0 &&
		    strcmp(units.at[i].active, "failed") != 0)
			r = log_refusal("%s is %s; stop it first: systemctl stop microvm@%s",
				   units.at[i].name, units.at[i].active, name);
	return r;
}

static int look(struct systemd *bus, const char *name)
{
	OWNED(drop_configuration) struct configuration c = { 0 };
	const struct configured *conf;
	int r = configuration_read(&c);

	if (r == EXIT_DONE)
		r = refuse_active(bus, name);
	if (r != EXIT_DONE)
		return r;
	conf = configuration_find(&c, name);
	if (conf)
		return log_refusal("%s is configured; to delete what it keeps, remove %s first", name,
			      conf->source->shown);
	return refuse_used(&c, name);
}

static int told(int r, const char *place, const char *where)
{
	if (r == -ELOOP)
		return log_refusal("%s/%s is a link; only what it leads to could be deleted, and that is "
				   "not done",
				   place, where);
	if (r == -EXDEV)
		return log_refusal("%s/%s: something is mounted there; unmount it first", place, where);
	if (r == -EBUSY)
		return log_refusal("%s/%s is in use", place, where);
	return log_failure(r, "%s/%s", place, where);
}

static int agree(const struct call *call)
{
	if (call_has(call, "yes"))
		return EXIT_DONE;
	if (!can_ask())
		return log_refusal("nobody is here to be asked; --yes deletes without");
	return ask("Delete them for good? [y/N]", "ny") == 'y' ? EXIT_DONE : EXIT_REFUSED;
}

/* Measures it or, with no SIZE, deletes it; where there is nothing, it is done. */
static int at_place(const char *place, const char *name, struct tree_size *size)
{
	OWNED(drop_fd) int parent = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	const struct tree tree = { parent, name };
	OWNED(drop_str) char *where = NULL;
	int r;

	if (parent < 0 || faccessat(parent, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? EXIT_DONE : log_failure(-errno, "%s/%s", place, name);
	r = size ? tree_measure(&tree, size, &where) : tree_delete(&tree, &where);
	return r < 0 ? told(r, place, where ? where : name) : EXIT_DONE;
}

static int measure(const char *name)
{
	uint64_t files = 0;
	int r = EXIT_DONE;

	for (size_t i = 0; i < PLACES && r == EXIT_DONE; i++) {
		struct tree_size size = { 0 };
		OWNED(drop_str) char *bytes = NULL;

		r = at_place(places[i], name, &size);
		bytes = measure_bytes(size.bytes);
		files += size.files;
		if (r == EXIT_DONE && size.files > 0)
			(void)fprintf(stderr, "%s/%s has %" PRIu64 " files and folders, %s on disk.\n",
				      places[i], name, size.files, bytes);
	}
	return r == EXIT_DONE && files == 0 ? log_refusal("there is no " MICROVMS "/%s", name) : r;
}

static int purge(const struct call *call, const char *name)
{
	int r = measure(name);

	if (r == EXIT_DONE)
		r = agree(call);
	for (size_t i = 0; i < PLACES && r == EXIT_DONE; i++)
		r = at_place(places[i], name, NULL);
	return r;
}

int verb_purge(const struct call *call)
{
	OWNED(drop_systemd) struct systemd bus = { 0 };
	OWNED(drop_str) char *name = NULL;
	int r = instance_name(call->arguments[0], &name);

	if (r == EXIT_DONE)
		r = bus_open(&bus);
	if (r == EXIT_DONE)
		r = look(&bus, name);
	return r == EXIT_DONE ? purge(call, name) : r;
}
