/* SPDX-License-Identifier: MIT */
#include "draft.h"

#include "configuration.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int file_text(const char *path, struct text *ret)
{
	OWNED(drop_file) FILE *f = fopen(path, "re");
	char buffer[4096];
	size_t n;

	if (!f)
		return -errno;
	text_add(ret, "");
	while ((n = fread(buffer, 1, sizeof(buffer), f)) > 0)
		text_add_bytes(ret, buffer, n);
	return ferror(f) ? -EIO : 0;
}

static int file_make(const char *path, const struct text *content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	OWNED(drop_file) FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (!f || fwrite(content->at, 1, content->length, f) != content->length || fflush(f) != 0)
		return -errno;
	return 0;
}

static int folder_make(const char *path)
{
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* The folder of the target, and the one above it. */
static int folders_make(const char *target)
{
	OWNED(drop_str)
	char *folder = text_format("%.*s", (int)(strrchr(target, '/') - target), target);
	OWNED(drop_str)
	char *above = text_format("%.*s", (int)(strrchr(folder, '/') - folder), folder);
	int r = *above ? folder_make(above) : 0;

	return r < 0 ? r : folder_make(folder);
}

/* RET may stay empty where there is no target. */
static int target_read(struct draft *d, struct text *ret)
{
	int r = stat(d->target, &d->was) < 0 ? -errno : file_text(d->target, ret);

	d->fresh = r == -ENOENT;
	d->mode = d->fresh ? 0644 : d->was.st_mode & 07777;
	return d->fresh ? 0 : r;
}

static int draft_make(struct draft *d, const struct text *content)
{
	const char *base = strrchr(d->target, '/') + 1;
	int above = (int)(base - d->target), r = folders_make(d->target);

	if (r < 0)
		return log_failure(r, "%s", d->target);
	d->folder = text_format("%.*s.draft-XXXXXX", above, d->target);
	if (!mkdtemp(d->folder))
		return log_failure(-errno, "%s", d->folder);
	d->path = text_format("%s/%s", d->folder, base);
	r = file_make(d->path, content);
	return r < 0 ? log_failure(r, "%s", d->path) : EXIT_DONE;
}

/* TEXT: in any case, TEMPLATE: where there is no target. */
static int begin(const char *name, const char *target, const char *text, const char *template,
		 struct draft *ret)
{
	OWNED(drop_text) struct text content = { 0 };
	OWNED(drop_str) char *behind_links = realpath(target, NULL);
	int r;

	*ret = (struct draft){ .name = text_copy(name),
			       .target = text_copy(behind_links ? behind_links : target) };
	r = target_read(ret, &content);
	if (r < 0)
		return log_failure(r, "%s", ret->target);
	if (text)
		drop_text(&content);
	if (text || ret->fresh)
		text_add(&content, text ? text : template);
	return draft_make(ret, &content);
}

int draft_begin(const char *name, const char *target, const char *template, struct draft *ret)
{
	return begin(name, target, NULL, template, ret);
}

int draft_begin_with(const char *name, const char *target, const char *text, struct draft *ret)
{
	return begin(name, target, text, "", ret);
}

/* Also what the editor left beside it. */
static void folder_remove(const char *folder)
{
	OWNED(drop_dir) DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	(void)rmdir(folder);
}

void drop_draft(struct draft *d)
{
	if (d->folder)
		folder_remove(d->folder);
	free(d->name);
	free(d->target);
	free(d->folder);
	free(d->path);
	*d = (struct draft){ 0 };
}

/* A problem of the draft is told as the target's. */
static void tell(const struct draft *d, const char *line)
{
	size_t n = strlen(d->path);
	bool ours = strncmp(line, d->path, n) == 0;

	log_line(LEVEL_ERROR, "%s%s", ours ? d->target : "", line + (ours ? n : 0));
}

static bool was_refused(const struct configuration *before, const char *name)
{
	const struct configured *one = configuration_find(before, name);

	return one && one->problems.errors.count > 0;
}

bool draft_fits(const struct draft *d)
{
	OWNED(drop_configuration) struct configuration before = { 0 };
	OWNED(drop_configuration) struct configuration after = { 0 };
	bool fits = true;

	if (configuration_read(&before) != EXIT_DONE ||
	    configuration_read_with(d->name, d->target, d->path, &after) != EXIT_DONE)
		return false;
	for (size_t i = 0; i < after.count; i++) {
		const struct words *errors = &after.at[i].problems.errors;
		const char *name = after.at[i].source->name;

		if (strcmp(name, d->name) != 0 && was_refused(&before, name))
			continue;
		for (size_t n = 0; n < errors->count; n++)
			tell(d, errors->at[n]);
		fits = fits && errors->count == 0;
	}
	return fits;
}

bool draft_differs(const struct draft *d)
{
	OWNED(drop_text) struct text draft = { 0 };
	OWNED(drop_text) struct text target = { 0 };

	return file_text(d->path, &draft) < 0 || file_text(d->target, &target) < 0 ||
	       strcmp(draft.at, target.at) != 0;
}

static bool was_changed(const struct draft *d)
{
	struct stat now;

	if (d->fresh)
		return false;
	return stat(d->target, &now) < 0 || now.st_ino != d->was.st_ino ||
	       now.st_size != d->was.st_size || now.st_mtim.tv_sec != d->was.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != d->was.st_mtim.tv_nsec;
}

/* On the disk before it gets its name, and nobody's for a moment who may not have it. */
static int settle(const struct draft *d)
{
	OWNED(drop_fd) int fd = open(d->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	if (!d->fresh && fchown(fd, d->was.st_uid, d->was.st_gid) < 0)
		return -errno;
	if (fchmod(fd, d->mode) < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

int draft_save(struct draft *d)
{
	int r = settle(d);

	if (r < 0)
		return log_failure(r, "%s", d->path);
	if (was_changed(d)) {
		log_line(LEVEL_ERROR, "%s was changed by somebody else meanwhile", d->target);
		return EXIT_REFUSED;
	}
	if (renameat2(AT_FDCWD, d->path, AT_FDCWD, d->target, d->fresh ? RENAME_NOREPLACE : 0) < 0)
		return log_failure(-errno, "%s", d->target);
	return EXIT_DONE;
}
