/* SPDX-License-Identifier: MIT */
#include "interfaces.h"

#include "refusal.h"
#include "run-program.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../config/arguments.h"

#include <errno.h>
#include <string.h>

static void drop_making(struct making *m)
{
	drop_links(&m->links);
	drop_netlink(&m->nl);
}

static const struct link *find(const struct links *links, const char *name)
{
	for (size_t i = 0; i < links->count; i++)
		if (strcmp(links->at[i].name, name) == 0)
			return &links->at[i];
	return NULL;
}

/* Asks the kernel what there is, and which of it is ours. */
static int look(const char *kind, const char *name, struct making *m)
{
	int r = netlink_open(&m->nl);

	if (r == 0)
		r = link_list(m->nl, &m->links);
	if (r < 0)
		return log_failure(r, "cannot ask the kernel for the host's network interfaces");
	mark_choose(&m->links, kind, name, &m->mark);
	return EXIT_DONE;
}

int interface_await(struct making *m, const struct interface *i, const char *key, const char *name,
		    unsigned flags, struct link *ret)
{
	const char *state = flags & IFF_UP ? "exist and be up" : "exist";
	const struct link *l = find(&m->links, name);
	int r;

	if (l && (l->flags & flags) == flags) {
		*ret = *l;
		return EXIT_DONE;
	}
	log_line(LEVEL_NOTICE, "[interface %s] %s: waiting for %s to %s", i->section.id, key, name,
		 state);
	r = link_await(m->nl, name, flags, m->usec, ret);
	if (r == -ETIMEDOUT) {
		log_line(LEVEL_ERROR,
			 "[interface %s] %s: %s does not %s within startupTimeout (%ju s)",
			 i->section.id, key, name, state, (uintmax_t)(m->usec / 1000000));
		return EXIT_REFUSED;
	}
	return r < 0 ? log_failure(r, "[interface %s] %s: %s", i->section.id, key, name)
		     : EXIT_DONE;
}

static int refuse_foreign(const struct interface *i, const struct link *l)
{
	if (*l->alias)
		log_line(LEVEL_ERROR,
			 "[interface %s] the host has an interface of this name that is not "
			 "ours: its alias is '%s'; choose another ID",
			 i->section.id, l->alias);
	else
		log_line(LEVEL_ERROR,
			 "[interface %s] the host has an interface of this name that is not "
			 "ours; choose another ID, or remove it: ip link del %s",
			 i->section.id, i->section.id);
	return EXIT_REFUSED;
}

static int remove_one(struct making *m, const struct link *l)
{
	int r = link_delete(m->nl, l->index);

	return r < 0 && r != -ENODEV ? log_failure(r, "cannot delete the interface %s", l->name)
				     : EXIT_DONE;
}

static int make_one(const struct maker *maker, struct making *m, const struct interface *i)
{
	const struct link *l = find(&m->links, i->section.id);
	int r = EXIT_DONE;

	if (l && !mark_fits(&m->mark, l))
		return refuse_foreign(i, l);
	if (l && maker->fits && maker->fits(m, i, l))
		return maker->make(m, i, l->index);
	if (l)
		r = remove_one(m, l);
	return r == EXIT_DONE ? maker->make(m, i, 0) : r;
}

static bool is_wanted(const struct maker *maker, const struct microvm *vm, const char *name)
{
	for (each(struct interface, i, vm->interfaces))
		if (maker->makes(i) && strcmp(i->section.id, name) == 0)
			return true;
	return false;
}

/* What an earlier configuration left, where nobody came to stop it. */
static int remove_old(const struct maker *maker, struct making *m)
{
	int r = EXIT_DONE;

	for (size_t i = 0; i < m->links.count && r == EXIT_DONE; i++) {
		const struct link *l = &m->links.at[i];

		if (mark_fits(&m->mark, l) && !is_wanted(maker, m->vm, l->name))
			r = remove_one(m, l);
	}
	return r;
}

static int run_script(const struct interface *i)
{
	OWNED(drop_words) struct words argv = { 0 };
	int r;

	if (!i->script)
		return EXIT_DONE;
	words_add(&argv, i->script);
	words_add(&argv, i->section.id);
	r = program_run(&argv, NULL, -1);
	if (r < 0)
		return log_failure(r, "[interface %s] script: %s", i->section.id, i->script);
	if (r > 0) {
		log_line(LEVEL_ERROR, "[interface %s] script: %s ended with status %d",
			 i->section.id, i->script, r);
		return EXIT_REFUSED;
	}
	return EXIT_DONE;
}

static int start(const struct maker *maker, const struct microvm *vm)
{
	OWNED(drop_making) struct making m = { .vm = vm, .usec = vm->startup_timeout };
	int r = look(maker->kind, vm->name, &m);

	if (r == EXIT_DONE)
		r = remove_old(maker, &m);
	for (each(struct interface, i, vm->interfaces))
		if (r == EXIT_DONE && maker->makes(i))
			r = make_one(maker, &m, i);
	for (each(struct interface, i, vm->interfaces))
		if (r == EXIT_DONE && maker->makes(i))
			r = run_script(i);
	return r;
}

static int start_words(const struct maker *maker, const char *name, char **words)
{
	OWNED(drop_microvm) struct microvm vm;
	int r = arguments_microvm(&vm, name, words);

	return r == EXIT_DONE ? start(maker, &vm) : r;
}

static int stop(const struct maker *maker, const char *name)
{
	OWNED(drop_making) struct making m = { 0 };
	int r = look(maker->kind, name, &m);

	if (r != EXIT_DONE)
		return r;
	r = mark_delete(m.nl, &m.mark, &m.links);
	return r < 0 && r != -ENODEV ? log_failure(r, "cannot delete the interfaces of %s", name)
				     : EXIT_DONE;
}

int interfaces_main(const struct maker *maker, char **argv)
{
	if (argv[1] && argv[2] && !argv[3] && strcmp(argv[1], "--stop") == 0)
		return stop(maker, argv[2]);
	if (argv[1] && argv[2] && !argv[3] && strcmp(argv[1], "--not-configured") == 0)
		return refuse_not_configured(argv[2]);
	if (!argv[1] || *argv[1] == '-')
		return log_usage(maker->usage);
	return start_words(maker, argv[1], argv + 2);
}
