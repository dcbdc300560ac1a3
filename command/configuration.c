/* SPDX-License-Identifier: MIT */
#include "configuration.h"

#include "instance.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../generator/generate.h"

#include <errno.h>
#include <string.h>

/* Problems are kept with their MicroVM; those of the host as a whole are for microvm check. */
static void keep_silent(const struct problems *problems)
{
	(void)problems;
}

static void keep(void *context, const struct outcome *outcome)
{
	struct configuration *c = context;
	struct configured *one;

	c->at = must(reallocarray(c->at, c->count + 1, sizeof(*c->at)));
	one = &c->at[c->count++];
	*one = (struct configured){ .source = outcome->source,
				    .vm = *outcome->vm,
				    .digest = outcome->digest };
	microvm_init(outcome->vm, outcome->source->name);
	words_add_all(&one->problems.errors, &outcome->problems->errors);
	words_add_all(&one->problems.warnings, &outcome->problems->warnings);
}

static int judge(struct configuration *ret)
{
	const struct sink nowhere = { .folder = SINK_NOWHERE };
	int r = generate(&(struct generate){ .sink = &nowhere,
					     .root = ret->sources.root,
					     .tell = keep_silent,
					     .seen = keep,
					     .context = ret },
			 &ret->sources);

	return r < 0 && r != -EINVAL ? log_failure(r, "cannot judge the configuration") : EXIT_DONE;
}

static int sources_read(struct sources *ret)
{
	OWNED(drop_words) struct words folders = { 0 };
	const char *root = getenv("MICROVM_ROOT");
	int r;

	sources_folders(&folders);
	r = sources_find(root ? root : "", &folders, ret);
	if (r == 0)
		r = sources_add_packages(root ? root : "", ret);
	return r < 0 ? log_failure(r, "cannot read the configuration folders") : EXIT_DONE;
}

int configuration_read(struct configuration *ret)
{
	int r;

	*ret = (struct configuration){ 0 };
	r = sources_read(&ret->sources);
	return r == EXIT_DONE ? judge(ret) : r;
}

int configuration_read_with(const char *name, const char *target, const char *path,
			    struct configuration *ret)
{
	int r;

	*ret = (struct configuration){ 0 };
	r = sources_read(&ret->sources);
	if (r != EXIT_DONE)
		return r;
	sources_replace(&ret->sources, name, target, path);
	return judge(ret);
}

void drop_configuration(struct configuration *c)
{
	for (size_t i = 0; i < c->count; i++) {
		drop_microvm(&c->at[i].vm);
		drop_problems(&c->at[i].problems);
	}
	free(c->at);
	drop_sources(&c->sources);
	*c = (struct configuration){ 0 };
}

struct configured *configuration_find(const struct configuration *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->at[i].source->name, name) == 0)
			return &c->at[i];
	return NULL;
}

int configuration_of(const char *argument, char **name, struct configuration *ret,
		     struct configured **one)
{
	int r = instance_name(argument, name);

	if (r == EXIT_DONE)
		r = configuration_read(ret);
	if (r != EXIT_DONE)
		return r;
	*one = configuration_find(ret, *name);
	if (*one)
		return EXIT_DONE;
	log_line(LEVEL_ERROR, "%s is not configured: there is no /etc/microvm/%s.conf", *name,
		 *name);
	return EXIT_REFUSED;
}

bool configured_refused(const struct configured *one)
{
	for (size_t i = 0; i < one->problems.errors.count; i++)
		log_line(LEVEL_ERROR, "%s", one->problems.errors.at[i]);
	return one->problems.errors.count > 0;
}
