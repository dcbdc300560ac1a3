/* SPDX-License-Identifier: MIT */
#include "sources.h"

#include "check.h"
#include "load.h"
#include "package.h"
#include "reader.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const standard_folders[] = {
	"/etc/microvm",
	"/run/microvm",
	"/usr/local/lib/microvm",
	"/usr/lib/microvm",
};

/* What a look-up folder holds under a name. */
struct found {
	char *name;
	size_t folder; /* its rank */
	bool dropins;  /* NAME.conf.d, not NAME.conf */
	bool masked;
};

struct finds {
	struct found *at;
	size_t count;
	size_t room;
};

static void drop_finds(struct finds *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->at[i].name);
	free(f->at);
}

void sources_folders(struct words *ret)
{
	const char *path = getenv("MICROVM_CONF_PATH");
	OWNED(drop_str) char *copy = NULL;
	char *rest;

	if (!path || !*path) {
		for (size_t i = 0; i < sizeof(standard_folders) / sizeof(*standard_folders); i++)
			words_add(ret, standard_folders[i]);
		return;
	}
	rest = copy = text_copy(path);
	for (char *folder = strsep(&rest, ":"); folder; folder = strsep(&rest, ":"))
		if (*folder)
			words_add(ret, folder);
}

static bool is_mask(int dir, const struct dirent *entry)
{
	char target[sizeof("/dev/null") + 1];

	if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
		return false;
	return readlinkat(dir, entry->d_name, target, sizeof(target)) == sizeof("/dev/null") - 1 &&
	       memcmp(target, "/dev/null", sizeof("/dev/null") - 1) == 0;
}

static size_t suffix_at(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && strcmp(name + n - m, suffix) == 0 ? n - m : 0;
}

static void find_add(struct finds *finds, const char *name, size_t length, size_t folder,
		     bool dropins, bool masked)
{
	if (finds->count == finds->room) {
		finds->room = finds->room ? finds->room * 2 : 16;
		finds->at = must(reallocarray(finds->at, finds->room, sizeof(*finds->at)));
	}
	finds->at[finds->count++] = (struct found){
		.name = must(strndup(name, length)),
		.folder = folder,
		.dropins = dropins,
		.masked = masked,
	};
}

/* All NAME.conf and, where wanted, NAME.conf.d of one folder. Hidden files are nobody's. */
static int folder_read(const char *path, size_t rank, bool want_dropins, struct finds *ret)
{
	OWNED(drop_dir) DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	for (errno = 0; (entry = readdir(dir)); errno = 0) {
		size_t conf = suffix_at(entry->d_name, ".conf");
		size_t dropins = want_dropins ? suffix_at(entry->d_name, ".conf.d") : 0;

		if (*entry->d_name == '.')
			continue;
		if (conf > 0)
			find_add(ret, entry->d_name, conf, rank, false,
				 is_mask(dirfd(dir), entry));
		else if (dropins > 0)
			find_add(ret, entry->d_name, dropins, rank, true, false);
	}
	return -errno;
}

static int found_compare(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	if (r == 0)
		r = (x->dropins > y->dropins) - (x->dropins < y->dropins);
	if (r == 0)
		r = (x->folder > y->folder) - (x->folder < y->folder);
	return r;
}

static void finds_sort(struct finds *finds)
{
	if (finds->count > 1)
		qsort(finds->at, finds->count, sizeof(*finds->at), found_compare);
}

static void dropins_add(const char *const *folders, const struct finds *files, struct source *ret)
{
	for (size_t i = 0; i < files->count; i++) {
		const struct found *f = &files->at[i];

		if (i > 0 && strcmp(files->at[i - 1].name, f->name) == 0)
			continue;
		if (f->masked)
			continue;
		words_addf(&ret->dropins, "%s/%s.conf", folders[f->folder], f->name);
	}
}

/* The drop-ins of one MicroVM from its folders NAME.conf.d, of which a file in the first hides those of
 * the same name in the others. */
static int dropins_find(const char *root, const char *const *folders, size_t count,
			struct source *ret)
{
	OWNED(drop_finds) struct finds files = { 0 };

	for (size_t i = 0; i < count; i++) {
		OWNED(drop_str) char *path = text_format("%s%s", root, folders[i]);
		int r = folder_read(path, i, false, &files);

		if (r < 0)
			return r;
	}
	finds_sort(&files);
	dropins_add(folders, &files, ret);
	return 0;
}

static struct source *source_add(struct sources *s)
{
	s->at = must(reallocarray(s->at, s->count + 1, sizeof(*s->at)));
	s->at[s->count] = (struct source){ 0 };
	return &s->at[s->count++];
}

/* Everything found under one name: files first, then folders of drop-ins, both by rank. */
static int name_add(const char *root, const struct words *folders, struct found *at, size_t n,
		    struct sources *ret)
{
	OWNED(drop_words) struct words dropins = { 0 };
	struct source *source;

	for (size_t i = 0; i < n; i++)
		if (at[i].dropins)
			words_addf(&dropins, "%s/%s.conf.d", folders->at[at[i].folder], at->name);
	if (at->masked) {
		words_add(&ret->masked, at->name);
		return 0;
	}
	if (at->dropins) {
		words_add(&ret->strays, dropins.at[0]);
		return 0;
	}
	source = source_add(ret);
	source->shown = text_format("%s/%s.conf", folders->at[at->folder], at->name);
	source->name = MOVE(at->name);
	return dropins_find(root, (const char *const *)dropins.at, dropins.count, source);
}

static void defaults_read(const char *root, const struct words *folders, struct sources *ret)
{
	for (size_t i = 0; i < folders->count; i++) {
		OWNED(drop_str) char *shown = text_format("%s.conf", folders->at[i]);
		OWNED(drop_str) char *path = text_format("%s%s", root, shown);

		if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
			continue;
		ret->defaults_shown = MOVE(shown);
		entries_read(path, ret->defaults_shown, &ret->defaults_problems, &ret->defaults);
		return;
	}
}

int sources_find(const char *root, const struct words *folders, struct sources *ret)
{
	OWNED(drop_finds) struct finds finds = { 0 };
	int r = 0;

	ret->root = root;
	for (size_t i = 0; i < folders->count && r == 0; i++) {
		OWNED(drop_str) char *path = text_format("%s%s", root, folders->at[i]);

		r = folder_read(path, i, true, &finds);
	}
	finds_sort(&finds);
	for (size_t i = 0, n; i < finds.count && r == 0; i += n) {
		for (n = 1; i + n < finds.count; n++)
			if (strcmp(finds.at[i].name, finds.at[i + n].name) != 0)
				break;
		r = name_add(root, folders, &finds.at[i], n, ret);
	}
	if (r == 0 && ret->count > 0)
		defaults_read(root, folders, ret);
	return r;
}

const struct source *sources_look_up(const struct sources *s, const char *name)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int r = strcmp(s->at[middle].name, name);

		if (r == 0)
			return &s->at[middle];
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool has_package(const char *root, const char *name)
{
	OWNED(drop_str) char *current = package_current(name);
	OWNED(drop_str) char *path = text_format("%s%s", root, current);
	struct stat st;

	return lstat(path, &st) == 0;
}

/* Names of folders that no file speaks of. */
static int names_of_packages(const char *root, const struct sources *s, struct words *ret)
{
	OWNED(drop_str) char *path = text_format("%s/var/lib/microvms", root);
	OWNED(drop_dir) DIR *dir = opendir(path);
	const struct dirent *entry;

	if (!dir)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
	for (errno = 0; (entry = readdir(dir)); errno = 0)
		if (microvm_name_fits(entry->d_name) && !sources_look_up(s, entry->d_name) &&
		    !words_have(&s->masked, entry->d_name) && has_package(root, entry->d_name))
			words_add(ret, entry->d_name);
	return -errno;
}

static int source_compare(const void *a, const void *b)
{
	return strcmp(((const struct source *)a)->name, ((const struct source *)b)->name);
}

int sources_add_packages(const char *root, struct sources *s)
{
	OWNED(drop_words) struct words names = { 0 };
	OWNED(drop_words) struct words folders = { 0 };
	const char *path = getenv("MICROVM_CONF_PATH");
	bool read = s->count > 0;
	int r = path && *path ? 0 : names_of_packages(root, s, &names);

	for (size_t i = 0; i < names.count; i++)
		*source_add(s) = (struct source){ .name = text_copy(names.at[i]), .package = true,
						  .shown = package_current(names.at[i]) };
	if (names.count > 0)
		qsort(s->at, s->count, sizeof(*s->at), source_compare);
	sources_folders(&folders);
	if (!read && names.count > 0)
		defaults_read(root, &folders, s);
	return r;
}

void sources_add_file(struct sources *s, const char *path)
{
	struct source *source = source_add(s);
	const char *base = strrchr(path, '/');
	OWNED(drop_str) char *dropins = NULL;
	size_t n;

	base = base ? base + 1 : path;
	n = suffix_at(base, ".conf");
	source->name = must(strndup(base, n > 0 ? n : strlen(base)));
	source->shown = text_copy(path);
	dropins = text_format("%s.d", path);
	(void)dropins_find("", (const char *const[]){ dropins }, 1, source);
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Where a drop-in of that file name is, or is to be. */
static size_t dropin_place(const struct words *dropins, const char *target)
{
	size_t i = 0;

	while (i < dropins->count && strcmp(base_of(dropins->at[i]), base_of(target)) < 0)
		i++;
	return i;
}

static void dropin_replace(struct words *dropins, const char *target, const char *path)
{
	size_t at = dropin_place(dropins, target);
	struct words with = { 0 };

	for (size_t i = 0; i < at; i++)
		words_add(&with, dropins->at[i]);
	words_add(&with, path);
	for (size_t i = at; i < dropins->count; i++)
		if (strcmp(base_of(dropins->at[i]), base_of(target)) != 0)
			words_add(&with, dropins->at[i]);
	drop_words(dropins);
	*dropins = with;
}

static void source_new(struct sources *s, const char *name, const char *target, const char *path)
{
	OWNED(drop_str) char *dropins = text_format("%s.d", target);
	struct source *source = source_add(s);

	source->name = text_copy(name);
	source->shown = text_copy(path);
	(void)dropins_find(s->root, (const char *const[]){ dropins }, 1, source);
	qsort(s->at, s->count, sizeof(*s->at), source_compare);
}

void sources_replace(struct sources *s, const char *name, const char *target, const char *path)
{
	OWNED(drop_str) char *main = text_format("%s.conf", name);

	for (size_t i = 0; i < s->count; i++) {
		struct source *source = &s->at[i];

		if (strcmp(source->name, name) != 0)
			continue;
		if (strcmp(base_of(target), main) != 0) {
			dropin_replace(&source->dropins, target, path);
			return;
		}
		free(source->shown);
		source->shown = text_copy(path);
		source->package = false;
		return;
	}
	source_new(s, name, target, path);
}

void drop_sources(struct sources *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->at[i].name);
		free(s->at[i].shown);
		drop_words(&s->at[i].dropins);
	}
	free(s->at);
	free(s->defaults_shown);
	drop_entries(&s->defaults);
	drop_problems(&s->defaults_problems);
	drop_words(&s->masked);
	drop_words(&s->strays);
	*s = (struct sources){ 0 };
}
