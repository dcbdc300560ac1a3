/* SPDX-License-Identifier: MIT */
#include "package-links.h"

#include "../common/link.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static const char current[] = "current", old[] = "old";

static char *folder_of(const char *name)
{
	return text_format("/var/lib/microvms/%s", name);
}

char *package_link_read(const char *name, const char *link)
{
	OWNED(drop_str) char *folder = folder_of(name);
	OWNED(drop_str) char *path = text_format("%s/%s", folder, link);
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	return n < 0 ? NULL : text_format("%.*s", (int)n, target);
}

/* Root's own from now on: what the MicroVM's user could put in place of a link, root would act on. Whose it was
 * stays told by its group. */
static int folder_open(const char *path)
{
	int fd;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fchown(fd, 0, (gid_t)-1) == 0 && fchmod(fd, 01770) == 0)
		return fd;
	(void)close(fd);
	return -errno;
}

/* Nix deletes what nothing leads to from here. */
static void keep_from_nix(const char *name)
{
	static const char roots[] = "/nix/var/nix/gcroots";
	static const char *const links[] = { current, old, "booted" };
	OWNED(drop_str) char *folder = folder_of(name);
	OWNED(drop_str) char *ours = text_format("%s/microvm", roots);

	if (access(roots, F_OK) < 0)
		return;
	(void)mkdir(ours, 0755);
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		OWNED(drop_str) char *root = i == 0 ? text_format("%s/%s", ours, name) :
						      text_format("%s/%s-%s", ours, links[i], name);
		OWNED(drop_str) char *target = text_format("%s/%s", folder, links[i]);

		if (symlink(target, root) < 0 && errno != EEXIST)
			log_line(LEVEL_WARNING, "%s: %s; Nix may delete the package", root, strerror(errno));
	}
}

int package_links_set(const char *name, const char *package)
{
	OWNED(drop_str) char *path = folder_of(name), *was = NULL;
	OWNED(drop_fd) int folder = folder_open(path);
	int r = folder;

	if (folder < 0)
		return log_failure(r, "%s", path);
	was = package_link_read(name, current);
	r = was ? link_set(folder, old, was) : 0;
	if (r == 0)
		r = link_set(folder, current, package);
	if (r < 0)
		return log_failure(r, "%s/%s", path, current);
	keep_from_nix(name);
	return EXIT_DONE;
}

int package_links_swap(const char *name)
{
	OWNED(drop_str) char *path = folder_of(name), *before = package_link_read(name, old);
	OWNED(drop_fd) int folder = before ? folder_open(path) : -1;
	struct stat st;

	if (!before) {
		log_line(LEVEL_ERROR, "there is nothing to go back to: %s has no link '%s'", path, old);
		return EXIT_REFUSED;
	}
	if (folder < 0)
		return log_failure(folder, "%s", path);
	/* One that the MicroVM's user made leads where that would like to have root. */
	if (fstatat(folder, old, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_uid != 0) {
		log_line(LEVEL_ERROR, "%s/%s is not root's own; it is not trusted", path, old);
		return EXIT_REFUSED;
	}
	if (renameat2(folder, old, folder, current, RENAME_EXCHANGE) < 0)
		return log_failure(-errno, "%s/%s", path, current);
	return EXIT_DONE;
}
