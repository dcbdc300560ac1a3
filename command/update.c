/* SPDX-License-Identifier: MIT */
/* "microvm update" and "microvm rollback": which runner package, or which deployed version, a MicroVM starts with. */
#include "verb.h"

#include "apply.h"
#include "bus.h"
#include "configuration.h"
#include "deployed.h"
#include "instance.h"
#include "package-links.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/package.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A file may say which package it is; then there is no link to set. */
static int check_file(const char *name)
{
	OWNED(drop_configuration) struct configuration c = { 0 };
	OWNED(drop_str) char *current = package_current(name);
	const struct configured *one;
	int r = configuration_read(&c);

	one = r == EXIT_DONE ? configuration_find(&c, name) : NULL;
	if (r != EXIT_DONE || !one || one->source->package)
		return r;
	if (one->vm.runner &&
	    strcmp(one->vm.runner_given ? one->vm.runner_given : one->vm.runner, current) == 0)
		return EXIT_DONE;
	log_line(LEVEL_ERROR, "%s says what %s starts with; write runner=%s there for a package that can be updated",
		 one->source->shown, name, current);
	return EXIT_REFUSED;
}

static int find_package(const char *argument, char **ret)
{
	OWNED(drop_str) char *path = realpath(argument, NULL);
	OWNED(drop_str) char *program = NULL;
	int r = path ? package_find("", path, ret) : -errno;

	if (r == -ELOOP) {
		log_line(LEVEL_ERROR, "%s, or a folder that it is in, belongs to another user than root, who could "
				      "change it", path);
		return EXIT_REFUSED;
	}
	if (r < 0)
		return log_failure(r, "%s", argument);
	program = text_format("%s/" PACKAGE_RUN, *ret);
	return access(program, X_OK) < 0 ? log_failure(-errno, "%s", program) : EXIT_DONE;
}

/* Tells what the next start begins with, and starts one that runs with something else, if that is wanted. */
static int take_effect(const char *name, bool restart)
{
	OWNED(drop_systemd) struct systemd bus = { 0 };
	OWNED(drop_str) char *unit = instance_unit(name);
	OWNED(drop_str) char *booted = package_link_read(name, "booted");
	OWNED(drop_str) char *current = package_link_read(name, "current");
	bool stale = booted && current && strcmp(booted, current) != 0;
	int r = bus_open(&bus);

	if (r == EXIT_DONE)
		r = bus_reload(&bus);
	if (r == EXIT_DONE && restart && stale)
		r = bus_job(&bus, "RestartUnit", unit);
	if (r == EXIT_DONE && restart && stale)
		r = bus_wait(&bus);
	if (r == EXIT_DONE)
		printf("%s: %s%s\n", name, current,
		       !stale ? "" : restart ? ", restarted with it" : ", from the next start on");
	return r;
}

static int set(const char *name, const char *package)
{
	OWNED(drop_str) char *before = package_link_read(name, "current");

	return before && strcmp(before, package) == 0 ? EXIT_DONE : package_links_set(name, package);
}

int verb_update(const struct call *call)
{
	OWNED(drop_str) char *name = NULL, *package = NULL;
	int r = instance_name(call->arguments[0], &name);

	if (r == EXIT_DONE)
		r = check_file(name);
	if (r == EXIT_DONE)
		r = find_package(call->arguments[1], &package);
	if (r == EXIT_DONE)
		r = set(name, package);
	return r == EXIT_DONE ? take_effect(name, call_has(call, "restart")) : r;
}

static int roll_back_package(const char *name, bool restart)
{
	int r = package_links_swap(name);

	return r == EXIT_DONE ? take_effect(name, restart) : r;
}

static int roll_back_version(const char *name, bool restart)
{
	OWNED(drop_deployed) struct deployed d = NOTHING_DEPLOYED;
	int r = deployed_open(name, &d);

	if (r == EXIT_DONE)
		r = deployed_put_back(&d);
	return r == EXIT_DONE ? apply(&(struct apply){ .only = name, .restart = restart }) : r;
}

int verb_rollback(const struct call *call)
{
	OWNED(drop_str) char *name = NULL;
	int r = instance_name(call->arguments[0], &name);

	if (r != EXIT_DONE)
		return r;
	return (deployed_is(name) ? roll_back_version : roll_back_package)(name, call_has(call, "restart"));
}
