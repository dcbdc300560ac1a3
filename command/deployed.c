/* SPDX-License-Identifier: MIT */
#include "deployed.h"

#include "configuration.h"
#include "draft.h"
#include "instance.h"
#include "tree.h"
#include "../common/link.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/arguments.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static const char old[] = "old";

char *deployed_files(const char *name, const char *version)
{
	return text_format(DEPLOYED "/%s/%s/files", name, version);
}

bool deployed_version_fits(const char *version)
{
	return strlen(version) == 16 && strspn(version, "0123456789abcdef") == 16;
}

bool deployed_is(const char *name)
{
	OWNED(drop_str) char *path = text_format(DEPLOYED "/%s", name);

	return access(path, F_OK) == 0;
}

static char *conf_of(const struct deployed *d, const char *version)
{
	return text_format(DEPLOYED "/%s/%s/%s.conf", d->name, version, d->name);
}

static int folder_open(const char *path)
{
	int fd;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int deployed_open(const char *name, struct deployed *ret)
{
	OWNED(drop_words) struct words folders = { 0 };
	OWNED(drop_str) char *path = text_format(DEPLOYED "/%s", name);
	OWNED(drop_fd) int above = folder_open(DEPLOYED);

	if (above < 0)
		return log_failure(above, DEPLOYED);
	sources_folders(&folders);
	*ret = (struct deployed){ .name = text_copy(name),
				  .target = text_format("%s/%s.conf", folders.at[0], name),
				  .folder = folder_open(path) };
	if (ret->folder < 0)
		return log_failure(ret->folder, "%s", path);
	if (flock(ret->folder, LOCK_EX | LOCK_NB) == 0)
		return EXIT_DONE;
	return errno == EWOULDBLOCK
		       ? log_refusal("somebody else deploys %s or rolls it back at this moment",
				     name)
		       : log_failure(-errno, "%s", path);
}

void drop_deployed(struct deployed *d)
{
	free(d->name);
	free(d->target);
	drop_fd(&d->folder);
	*d = NOTHING_DEPLOYED;
}

bool deployed_has(const struct deployed *d, const char *version)
{
	OWNED(drop_str) char *conf = conf_of(d, version);

	return access(conf, F_OK) == 0;
}

static int versions(const struct deployed *d, struct words *ret)
{
	int fd = openat(d->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	OWNED(drop_dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		drop_fd(&fd);
		return log_failure(-errno, DEPLOYED "/%s", d->name);
	}
	while ((entry = readdir(dir)))
		if (deployed_version_fits(entry->d_name))
			words_add(ret, entry->d_name);
	return EXIT_DONE;
}

static bool has_text(const char *path, const struct text *text)
{
	OWNED(drop_text) struct text have = { 0 };

	return file_text(path, &have) == 0 && have.length == text->length &&
	       memcmp(have.at, text->at, text->length) == 0;
}

char *deployed_current(const struct deployed *d)
{
	OWNED(drop_words) struct words all = { 0 };
	OWNED(drop_text) struct text text = { 0 };
	struct stat st;

	if (lstat(d->target, &st) < 0 || !S_ISREG(st.st_mode) || file_text(d->target, &text) < 0 ||
	    versions(d, &all) != EXIT_DONE)
		return NULL;
	for (size_t i = 0; i < all.count; i++) {
		OWNED(drop_str) char *conf = conf_of(d, all.at[i]);

		if (has_text(conf, &text))
			return text_copy(all.at[i]);
	}
	return NULL;
}

int deployed_refuse_foreign(const struct deployed *d)
{
	OWNED(drop_configuration) struct configuration c = { 0 };
	OWNED(drop_str) char *current = deployed_current(d);
	const struct configured *one;
	int r = current ? EXIT_DONE : configuration_read(&c);

	if (current || r != EXIT_DONE)
		return r;
	one = configuration_find(&c, d->name);
	if (one && one->source->package)
		return log_refusal("%s is a runner package here: %s", d->name, one->source->shown);
	if (words_have(&c.sources.masked, d->name))
		return log_refusal(
			"%s is masked here: a link to /dev/null stands for its configuration",
			d->name);
	if (!one)
		return EXIT_DONE;
	if (strcmp(one->source->shown, d->target) != 0)
		return log_refusal("%s is configured here already, by %s", d->name,
				   one->source->shown);
	return log_refusal(
		"%s was not written by microvm deploy, or was changed since; put what is this "
		"host's own into a file in %s.d, and remove that one",
		d->target, d->target);
}

/* Should this end before the other version is in force, there is just nothing to go back to. */
static int remember(const struct deployed *d, const char *current)
{
	int r = current ? link_set(d->folder, old, current) : 0;

	return r < 0 ? log_failure(r, DEPLOYED "/%s/%s", d->name, old) : EXIT_DONE;
}

static int draft_of(const struct deployed *d, const char *version, struct draft *ret)
{
	OWNED(drop_str) char *conf = conf_of(d, version);
	OWNED(drop_text) struct text text = { 0 };
	struct stat st;
	int r = stat(conf, &st) < 0 ? -errno : file_text(conf, &text);

	if (r < 0)
		return log_failure(r, "%s", conf);
	r = draft_begin_with(d->name, d->target, text.at, ret);
	ret->mode = st.st_mode & 0777;
	return r;
}

int deployed_put(const struct deployed *d, const char *version)
{
	OWNED(drop_draft) struct draft draft = { 0 };
	OWNED(drop_str) char *current = deployed_current(d);
	int r;

	if (current && strcmp(current, version) == 0)
		return EXIT_DONE;
	r = draft_of(d, version, &draft);
	if (r == EXIT_DONE && !draft_fits(&draft))
		r = log_refusal("%s stays as it was", d->target);
	if (r == EXIT_DONE)
		r = remember(d, current);
	return r == EXIT_DONE ? draft_save(&draft) : r;
}

static char *version_before(const struct deployed *d)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(d->folder, old, target, sizeof(target) - 1);

	return n < 0 ? NULL : text_format("%.*s", (int)n, target);
}

int deployed_put_back(const struct deployed *d)
{
	OWNED(drop_str) char *current = deployed_current(d);
	OWNED(drop_str) char *before = version_before(d);

	if (!current)
		return log_refusal(
			"%s is not as it was deployed; what is in force is nothing to go back from",
			d->target);
	if (!before || strcmp(before, current) == 0 || !deployed_has(d, before))
		return log_refusal("there is nothing to go back to: %s was deployed once", d->name);
	return deployed_put(d, before);
}

/* Also what a crash or a guest that reboots will want of it again is among what it was started
 * with. */
static bool runs_with(const struct deployed *d, const char *version)
{
	OWNED(drop_microvm) struct microvm vm = { 0 };
	OWNED(drop_words) struct words words = { 0 };
	OWNED(drop_str) char *files = deployed_files(d->name, version);

	if (instance_state(d->name, &vm) < 0)
		return false;
	arguments_write(&vm, FOR_RUN, &words);
	for (size_t i = 0; i < words.count; i++)
		if (strstr(words.at[i], files))
			return true;
	return false;
}

int deployed_delete(const struct deployed *d, const char *name)
{
	OWNED(drop_str) char *where = NULL;
	int r = tree_delete(&(struct tree){ d->folder, name }, &where);

	return r < 0 && r != -ENOENT
		       ? log_failure(r, DEPLOYED "/%s/%s", d->name, where ? where : name)
		       : EXIT_DONE;
}

int deployed_tidy(const struct deployed *d)
{
	OWNED(drop_words) struct words all = { 0 };
	OWNED(drop_str) char *current = deployed_current(d);
	OWNED(drop_str) char *before = version_before(d);
	int r = versions(d, &all);

	for (size_t i = 0; i < all.count && r == EXIT_DONE; i++) {
		const char *version = all.at[i];

		if ((!current || strcmp(version, current) != 0) &&
		    (!before || strcmp(version, before) != 0) && !runs_with(d, version))
			r = deployed_delete(d, version);
	}
	return r;
}
