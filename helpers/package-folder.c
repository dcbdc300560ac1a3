/* SPDX-License-Identifier: MIT */
#include "package-folder.h"

#include "state-folder.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../common/trusted-path.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char booted[] = "booted", fresh[] = ".booted.new";

static int note_booted(int folder, const char *package)
{
	if (unlinkat(folder, fresh, 0) < 0 && errno != ENOENT)
		return -errno;
	if (symlinkat(package, folder, fresh) < 0)
		return -errno;
	return renameat(folder, fresh, folder, booted) < 0 ? -errno : 0;
}

int package_folder_make(const char *path, const char *package, uid_t uid, gid_t gid)
{
	OWNED(drop_found) struct found found = NOTHING_FOUND;
	int r = state_folder_make_for_group(path, uid, gid);

	if (r != EXIT_DONE)
		return r;
	r = path_find_folder(path, &found);
	if (r == 0)
		r = note_booted(found.file, package);
	return r < 0 ? log_failure(r, "cannot note in %s/%s which package runs", path, booted) : EXIT_DONE;
}

void package_folder_release(const char *path)
{
	OWNED(drop_found) struct found found = NOTHING_FOUND;
	struct stat st;

	if (path_find_folder(path, &found) < 0 || found.owner != 0 || found.stat.st_uid != 0)
		return;
	if (fstatat(found.file, booted, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode) &&
	    st.st_uid == 0)
		(void)unlinkat(found.file, booted, 0);
}
