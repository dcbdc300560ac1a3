/* SPDX-License-Identifier: MIT */
#include "verb.h"

#include "ask.h"
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
	OWNED(drop_str) char *folder = text_format(MICROVMS "/%s", name);
	int r = EXIT_DONE;

	for (size_t i = 0; i < c->count && r == EXIT_DONE; i++)
		r = refuse_used_by(&c->at[i].vm, folder);
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

static int told(int r, const char *where)
{
	if (r == -ENOENT && (!where || !strchr(where, '/')))
		return log_refusal("there is no " MICROVMS "/%s", where ? where : "");
	if (r == -ELOOP)
		return log_refusal(MICROVMS
			      "/%s is a link; only what it leads to could be deleted, and that is "
			      "not done",
			      where ? where : "");
	if (r == -EXDEV)
		return log_refusal(MICROVMS "/%s: something is mounted there; unmount it first", where);
	if (r == -EBUSY)
		return log_refusal(MICROVMS "/%s is in use", where);
	return log_failure(r, MICROVMS "/%s", where ? where : "");
}

static int agree(const struct call *call, const char *name, const struct tree_size *size)
{
	OWNED(drop_str) char *bytes = measure_bytes(size->bytes);

	(void)fprintf(stderr, MICROVMS "/%s has %" PRIu64 " files and folders, %s on disk.\n", name,
		      size->files, bytes);
	if (call_has(call, "yes"))
		return EXIT_DONE;
	if (!can_ask())
		return log_refusal("nobody is here to be asked; --yes deletes without");
	return ask("Delete them for good? [y/N]", "ny") == 'y' ? EXIT_DONE : EXIT_REFUSED;
}

static int purge(const struct call *call, const char *name)
{
	OWNED(drop_fd) int parent = open(MICROVMS, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	const struct tree tree = { parent, name };
	OWNED(drop_str) char *where = NULL;
	struct tree_size size;
	int r;

	if (parent < 0)
		return log_failure(-errno, MICROVMS);
	r = tree_measure(&tree, &size, &where);
	if (r < 0)
		return told(r, where ? where : name);
	r = agree(call, name, &size);
	if (r != EXIT_DONE)
		return r;
	r = tree_delete(&tree, &where);
	return r < 0 ? told(r, where) : EXIT_DONE;
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
