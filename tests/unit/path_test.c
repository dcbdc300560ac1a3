/* SPDX-License-Identifier: MIT */
/* Whom root trusts on the way to a file. 1001 and 1002 are users who would like it to go astray. */
#include "common/trusted-path.h"

#include "common/owned.h"
#include "scratch.h"

#include <errno.h>

static const char stage[] =
	"mkdir -p root/deep alice/hers alice/roots alice/bobs;"
	"echo x | tee root/file root/deep/file alice/file alice/hers/file alice/roots/file "
	"alice/bobs/file "
	">hidden;"
	"ln -s deep/file root/link; ln -s " SCRATCH
	"/root root/absolute; ln -s ../alice root/alice;"
	"ln -s loop root/loop; ln -s nothing root/dangling; ln -s link root/bobs-link;"
	"ln -s ../hidden alice/link; ln -s hers alice/folder-link; ln -s ../../hidden "
	"alice/roots/link;"
	"chown -h 1001 alice alice/hers alice/file alice/hers/file alice/folder-link;"
	"chown 1002 alice/bobs; chown -h 1002 root/bobs-link";

static const struct {
	const char *path, *name;
	int result;
	bool exists;
	const char *last; /* name of what is found */
} cases[] = {
	{ "root/file", "a file", 0, true, "file" },
	{ "root//deep/./file", "slashes and dots", 0, true, "file" },
	{ "root/deep/../file", "up again", 0, true, "file" },
	{ "root/link", "root's link to a file", 0, true, "file" },
	{ "root/absolute/deep/file", "root's absolute link to a folder", 0, true, "file" },
	{ "root/dangling", "where root's link points a file may be made", 0, false, "nothing" },
	{ "root/nothing", "nothing yet", 0, false, "nothing" },
	{ "root/nothing/file", "a folder that does not exist", -ENOENT, false, NULL },
	{ "root/file/file", "a file in place of a folder", -ENOTDIR, false, NULL },
	{ "root/loop", "links in a circle", -ELOOP, false, NULL },
	{ "root/bobs-link", "somebody's link in root's folder", -ELOOP, false, NULL },
	{ "alice/file", "somebody's file", 0, true, "file" },
	{ "root/alice/hers/file", "root's link into somebody's folder", 0, true, "file" },
	{ "alice/link", "root's link in somebody's folder, who could have moved it", -ELOOP, false,
	  NULL },
	{ "alice/folder-link/file", "somebody's link in their own folder", -ELOOP, false, NULL },
	{ "alice/roots/file", "root's folder in somebody's", 0, true, "file" },
	{ "alice/roots/link", "root's link in root's folder in somebody's", -ELOOP, false, NULL },
	{ "alice/bobs/file", "one user's folder in another's", -ELOOP, false, NULL },
	{ "alice/hers/../../hidden", "up from somebody's folder, who could have moved it", -ELOOP,
	  false, NULL },
};

static void finds(size_t i)
{
	OWNED(drop_found) struct found f = NOTHING_FOUND;
	char path[256];
	int r;

	(void)snprintf(path, sizeof(path), SCRATCH "/%s", cases[i].path);
	r = path_find(path, &f);
	ok(r == cases[i].result && (f.file >= 0) == cases[i].exists &&
		   (cases[i].last ? f.name && strcmp(f.name, cases[i].last) == 0 : !f.name),
	   cases[i].name);
}

static void tells_owner(void)
{
	OWNED(drop_found) struct found roots = NOTHING_FOUND;
	OWNED(drop_found) struct found alices = NOTHING_FOUND;

	ok(path_find(SCRATCH "/root/file", &roots) == 0 && roots.owner == 0, "root's folders only");
	ok(path_find(SCRATCH "/alice/roots/file", &alices) == 0 && alices.owner == 1001,
	   "the first owner that is not root is told");
	ok(path_find("/", &(struct found){ 0 }) == -EISDIR, "the root has no name");
}

static void reopens(void)
{
	OWNED(drop_found) struct found f = NOTHING_FOUND;
	OWNED(drop_fd) int fd = -1;
	char byte;

	(void)path_find(SCRATCH "/root/file", &f);
	sh("mv root/file root/moved; echo y >root/file");
	fd = path_reopen(f.file, O_RDONLY);
	ok(fd >= 0 && read(fd, &byte, 1) == 1 && byte == 'x', "what was found is what is opened");
}

int main(void)
{
	enter_scratch();
	sh("%s", stage);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		finds(i);
	tells_owner();
	reopens();
	return finish();
}
