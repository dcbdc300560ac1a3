/* SPDX-License-Identifier: MIT */
#include "received-volume.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../common/trusted-path.h"
#include "../config/root.h"
#include "../helpers/run-program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where the way there is not to be trusted, the start will say so. */
static bool is_missing(const char *path)
{
	OWNED(drop_found) struct found found = NOTHING_FOUND;
	int r = path_find(path, &found);

	return r == -ENOENT || (r == 0 && found.file < 0);
}

void volumes_missing(const struct microvm *vm, struct words *ret_ids, struct words *ret_paths)
{
	for (each(struct volume, v, vm->volumes)) {
		OWNED(drop_str) char *path = volume_path(vm, v);

		if (v->read_only || volume_is_device(v) || root_owns(vm, &v->section) ||
		    !is_missing(path))
			continue;
		words_add(ret_ids, v->section.id);
		words_add(ret_paths, path);
	}
}

/* A state folder is for its MicroVM alone, which makes it its own at the start. */
static mode_t mode_of(const char *folder)
{
	static const char states[] = "/var/lib/microvms/";

	return strncmp(folder, states, strlen(states)) == 0 ? 0700 : 0755;
}

/* Finds a path whose folders are made on the way. Returns 0 or -errno. */
static int place_find(const char *path, struct found *ret)
{
	OWNED(drop_found) struct found above = NOTHING_FOUND;
	OWNED(drop_str) char *folder = NULL;
	int r = path_find(path, ret);

	if (r != -ENOENT)
		return r;
	folder = text_format("%.*s", (int)(strrchr(path, '/') - path), path);
	if (!*folder)
		return r;
	r = place_find(folder, &above);
	if (r == 0 && above.file < 0 && mkdirat(above.folder, above.name, mode_of(folder)) < 0)
		r = -errno;
	return r < 0 ? r : path_find(path, ret);
}

static int copy_file(int folder, const char *from, int to, const char *name)
{
	OWNED(drop_words) struct words argv = { 0 };
	OWNED(drop_str) char *failure = NULL;

	words_add(&argv, "cp");
	words_add(&argv, "--remove-destination"); /* and never what a link there leads to */
	words_add(&argv, "--sparse=always");
	words_add(&argv, "--preserve=mode,timestamps");
	words_add(&argv, "--no-target-directory");
	words_addf(&argv, "/proc/%d/fd/%d/%s", (int)getpid(), folder, from);
	words_addf(&argv, GIVEN_FILE "/%s", name);
	failure = program_failure(program_run(&argv, NULL, to), "cp", "coreutils");
	return failure ? log_refusal("%s", failure) : EXIT_DONE;
}

/* There, too, it is whole before it has its name. */
static int copy(int folder, const char *from, const struct found *place)
{
	OWNED(drop_str) char *fresh = text_format(".%s.new", place->name);
	OWNED(drop_fd) int to = path_reopen(place->folder, O_RDONLY | O_DIRECTORY);
	int r;

	if (to < 0)
		return log_failure(to, "%s", place->name);
	r = copy_file(folder, from, to, fresh);
	if (r == EXIT_DONE &&
	    (syncfs(to) < 0 || renameat2(to, fresh, to, place->name, RENAME_NOREPLACE) < 0))
		r = log_failure(-errno, "%s", place->name);
	if (r != EXIT_DONE)
		(void)unlinkat(to, fresh, 0);
	return r;
}

static int put(int folder, const char *from, const struct found *to, const char *path)
{
	if (renameat2(folder, from, to->folder, to->name, RENAME_NOREPLACE) == 0)
		return EXIT_DONE;
	return errno == EXDEV ? copy(folder, from, to) : log_failure(-errno, "%s", path);
}

int volume_install(int folder, const char *from, const char *name, const char *path)
{
	OWNED(drop_found) struct found to = NOTHING_FOUND;
	int r;

	if (faccessat(folder, from, F_OK, 0) < 0)
		return EXIT_DONE;
	r = place_find(path, &to);
	if (r < 0)
		return log_failure(r, "%s", path);
	if (to.file >= 0)
		return log_refusal("%s: %s came into being meanwhile", name, path);
	r = put(folder, from, &to, path);
	if (r == EXIT_DONE)
		printf("%s: %s is new\n", name, path);
	return r;
}
