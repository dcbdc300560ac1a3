/* SPDX-License-Identifier: MIT */
#include "root-tree.h"

#include "../common/trusted-path.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/root.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static int cannot_find(const char *source, int error)
{
	if (error == -ELOOP)
		return root_fail("source: %s: on the way is a link or folder that another user than root may "
				 "have put there; name the place itself", source);
	if (error == -ENOENT)
		return root_fail("source: %s does not exist", source);
	if (error == -ENOTDIR)
		return root_fail("source: %s is not a folder", source);
	return root_fail("source: %s: %s", source, strerror(-error));
}

/* systemd has mounted the source there, following whatever links were on the way: it has to be the folder to
 * which only root's lead. */
static int open_tree(const char *source, int *ret)
{
	OWNED(drop_found) struct found found = NOTHING_FOUND;
	OWNED(drop_fd) int tree = -1;
	struct stat st;
	int r = path_find_folder(source, &found);

	if (r < 0)
		return cannot_find(source, r);
	tree = open(ROOT_TREE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree < 0 || fstat(tree, &st) < 0)
		return root_fail("%s: %s", ROOT_TREE, strerror(errno));
	if (st.st_dev != found.stat.st_dev || st.st_ino != found.stat.st_ino)
		return root_fail("source: %s is not what is mounted at %s, as install-microvm@.service has it",
				 source, ROOT_TREE);
	*ret = MOVE_FD(tree);
	return EXIT_DONE;
}

static int open_state(const struct microvm *vm, int *ret)
{
	OWNED(drop_str) char *path = microvm_state_dir(vm);
	OWNED(drop_found) struct found found = NOTHING_FOUND;
	int r = path_find_folder(path, &found);

	if (r == 0)
		r = path_reopen(found.file, O_RDONLY | O_DIRECTORY);
	if (r < 0)
		return log_failure(r, "state folder %s", path);
	*ret = r;
	return EXIT_DONE;
}

int root_install(const struct microvm *vm, uid_t uid, gid_t gid)
{
	OWNED(drop_fd) int tree = -1;
	OWNED(drop_fd) int state = -1;
	int r;

	if (!root_is_set(vm))
		return EXIT_DONE;
	r = open_tree(vm->root.source, &tree);
	if (r == EXIT_DONE)
		r = open_state(vm, &state);
	if (r == EXIT_DONE && root_is_image(vm))
		r = root_make_image(&(struct root_work){ vm, tree, state, uid, gid });
	if (r == EXIT_DONE && vm->initrd_path)
		r = root_make_initrd(&(struct root_work){ vm, tree, state, uid, gid });
	return r;
}
