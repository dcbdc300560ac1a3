/* SPDX-License-Identifier: MIT */
/* microvm deploy: what a MicroVM is here, it becomes on another host. The other side is receive.c,
 * which says what is missing there and then does all but the copying. */
#include "verb.h"

#include "cargo.h"
#include "deployed.h"
#include "receive.h"
#include "screen.h"
#include "there.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

/* What the other side has and what it lacks. */
struct wishes {
	struct words bases; /* versions there that may have most of it already */
	bool files;
	struct words volumes; /* IDs */
	bool all;	      /* it has said everything */
};

static void drop_wishes(struct wishes *w)
{
	drop_words(&w->bases);
	drop_words(&w->volumes);
}

static const char *behind(const char *line, const char *word)
{
	size_t n = strlen(word);

	return strncmp(line, word, n) == 0 ? line + n : NULL;
}

static void wish_read(const char *line, struct wishes *ret)
{
	const char *rest;

	if ((rest = behind(line, RECEIVE_BASE)))
		words_add(&ret->bases, rest);
	else if ((rest = behind(line, RECEIVE_VOLUME)))
		words_add(&ret->volumes, rest);
	else if (strcmp(line, RECEIVE_FILES) == 0)
		ret->files = true;
	else if (strcmp(line, RECEIVE_END) == 0)
		ret->all = true;
}

/* Returns EXIT_REFUSED where the other side ends instead; why was said. */
static int wishes_read(struct there *t, struct wishes *ret)
{
	OWNED(drop_str) char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while (!ret->all && (n = getline(&line, &room, t->from)) > 0) {
		line[n - (line[n - 1] == '\n')] = '\0';
		wish_read(line, ret);
	}
	return ret->all ? EXIT_DONE : EXIT_REFUSED;
}

static int tell(struct there *t, const struct text *conf)
{
	if (fprintf(t->to, "%zu\n%s", conf->length, conf->at) < 0 || fflush(t->to) != 0)
		return EXIT_REFUSED;
	return EXIT_DONE;
}

/* Single files are root's there, as what they are: who may use them is not told by numbers of this
 * host's users. */
static const char *const of_files[] = { "-a", "--chown=0:0", NULL };
/* A tree has an inner life. What is mounted in it is not of it. */
static const char *const of_trees[] = { "-aHAX", "--numeric-ids", "--one-file-system", NULL };

static void options_add(const char *const *words, struct words *ret)
{
	for (; *words; words++)
		words_add(ret, *words);
}

/* Below the folder there they have the paths that they have here. */
static int send_all(const struct there *t, const struct cargo *c, const struct wishes *wishes,
		    const char *const *how, const struct words *paths)
{
	OWNED(drop_words) struct words options = { 0 };
	OWNED(drop_str) char *files = deployed_files(c->of->source->name, RECEIVE_FOLDER);
	const char *name = c->of->source->name;

	if (paths->count == 0)
		return EXIT_DONE;
	options_add(how, &options);
	words_add(&options, "--relative");
	words_add(&options, "--no-implied-dirs");
	for (size_t i = 0; i < wishes->bases.count; i++)
		if (deployed_version_fits(wishes->bases.at[i]))
			words_take(&options,
				   text_format("--link-dest=%s/",
					       deployed_files(name, wishes->bases.at[i])));
	return there_send(t, &options, paths, files);
}

/* The lock keeps a MicroVM from starting on it meanwhile. */
static int send_volume(const struct there *t, const struct cargo *c, const char *id,
		       const char *path)
{
	OWNED(drop_words) struct words options = { 0 };
	OWNED(drop_words) struct words paths = { 0 };
	OWNED(drop_str)
	char *to =
		text_format(DEPLOYED "/%s/" RECEIVE_FOLDER "/volumes/%s", c->of->source->name, id);
	OWNED(drop_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return log_failure(-errno, "%s", path);
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return log_refusal("[volume %s]: %s is not there yet, and the one here is in use; "
				   "stop its MicroVM first",
				   id, path);
	options_add(of_files, &options);
	words_add(&paths, path);
	return there_send(t, &options, &paths, to);
}

static int send_volumes(const struct there *t, const struct cargo *c, const struct wishes *wishes)
{
	int r = EXIT_DONE;

	for (size_t i = 0; i < c->volumes.count && r == EXIT_DONE; i++)
		if (words_have(&wishes->volumes, c->volume_ids.at[i]))
			r = send_volume(t, c, c->volume_ids.at[i], c->volumes.at[i]);
	return r;
}

static int send_wished(const struct there *t, const struct cargo *c, const struct wishes *wishes)
{
	int r = EXIT_DONE;

	if (wishes->files)
		r = send_all(t, c, wishes, of_files, &c->files);
	if (r == EXIT_DONE && wishes->files)
		r = send_all(t, c, wishes, of_trees, &c->trees);
	return r == EXIT_DONE ? send_volumes(t, c, wishes) : r;
}

/* What is done there is shown here. */
static void show_rest(struct there *t)
{
	char buffer[4096];
	size_t n;

	while ((n = fread(buffer, 1, sizeof(buffer), t->from)) > 0)
		(void)fwrite(buffer, 1, n, stdout);
	(void)fflush(stdout);
}

static int converse(struct there *t, struct cargo *c)
{
	OWNED(drop_wishes) struct wishes wishes = { 0 };
	OWNED(drop_text) struct text conf = { 0 };
	int r;

	cargo_conf(c, &conf);
	r = tell(t, &conf);
	if (r == EXIT_DONE)
		r = wishes_read(t, &wishes);
	if (r == EXIT_DONE)
		r = send_wished(t, c, &wishes);
	if (r == EXIT_DONE && (fputs(RECEIVE_END "\n", t->to) < 0 || fflush(t->to) != 0))
		r = log_failure(-errno, "%s", t->host);
	if (r != EXIT_DONE)
		return r;
	show_rest(t);
	return there_end(t);
}

static int deploy(const struct call *call, struct cargo *c)
{
	OWNED(drop_words) struct words command = { 0 };
	OWNED(drop_there) struct there t = NOT_THERE;
	int r;

	words_add(&command, "microvm");
	words_add(&command, "receive");
	words_addf(&command, "--mode=%o", c->mode);
	if (screen_columns() > 0)
		words_addf(&command, "--columns=%zu", screen_columns());
	if (call_has(call, "restart"))
		words_add(&command, "--restart");
	words_add(&command, c->of->source->name);
	words_add(&command, c->version);
	r = there_begin(call->arguments[0], &command, &t);
	return r == EXIT_DONE ? converse(&t, c) : r;
}

/* ssh and rsync would take it for an option. */
static int host_check(const char *host)
{
	if (*host && *host != '-')
		return EXIT_DONE;
	log_line(LEVEL_ERROR, "'%s' is no host", host);
	return EXIT_CALLED_WRONGLY;
}

static int refuse_package(const struct configured *one)
{
	return one->vm.runner ? log_refusal("%s is a runner package, which is not deployed: copy "
					    "the package and call "
					    "microvm update there",
					    one->source->name)
			      : EXIT_DONE;
}

int verb_deploy(const struct call *call)
{
	OWNED(drop_configuration) struct configuration all = { 0 };
	OWNED(drop_cargo) struct cargo cargo = { 0 };
	OWNED(drop_str) char *name = NULL;
	struct configured *one;
	int r = host_check(call->arguments[0]);

	if (r == EXIT_DONE)
		r = configuration_of(call->arguments[1], &name, &all, &one);
	if (r == EXIT_DONE && configured_refused(one))
		r = EXIT_REFUSED;
	if (r == EXIT_DONE)
		r = refuse_package(one);
	if (r == EXIT_DONE)
		r = cargo_gather(one, &all.sources, call_has(call, "shares"), &cargo);
	return r == EXIT_DONE ? deploy(call, &cargo) : r;
}
