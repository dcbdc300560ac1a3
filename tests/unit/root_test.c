/* SPDX-License-Identifier: MIT */
/* What a guest's root is made of, and when it is made again. */
#include "helpers/cpio.h"
#include "helpers/kernel-modules.h"
#include "helpers/made.h"
#include "helpers/read-file.h"
#include "helpers/tree.h"

#include "common/owned.h"
#include "scratch.h"

#include <errno.h>

static int folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		sh("echo no %s; false", path);
	return fd;
}

static uint64_t digest(void)
{
	OWNED(drop_words) struct words left_out = { 0 };
	OWNED(drop_fd) int tree = folder("tree");
	struct tree ret = { 0 };

	words_add(&left_out, "out/of");
	if (tree_look(tree, &left_out, NULL, &ret) < 0)
		sh("echo no digest; false");
	return ret.digest;
}

static const struct {
	const char *command;
	bool changes;
	const char *name;
} changes[] = {
	{ "true", false, "nothing changed" },
	{ "cat tree/a/file >/dev/null", false, "a file was read" },
	{ "echo other >tree/out/of/sight", false, "what is left out changed" },
	{ "echo two >tree/a/file", true, "other content of the same size" },
	{ "touch -d 2001-01-01 tree/a/file", true, "another time" },
	{ "echo two >tree/a/file; touch -d 2001-01-01 tree/a/file", true, "other content with the time put back" },
	{ "chmod 600 tree/a/file", true, "another mode" },
	{ "chown 7 tree/a/file", true, "another owner" },
	{ "chmod 700 tree", true, "another mode of the top" },
	{ "setfacl -m u:9:r tree/a/file", true, "another access control list" },
	{ "mv tree/a/file tree/a/renamed", true, "another name" },
	{ "mv tree/a tree/b", true, "another name of a folder" },
	{ "ln -sfn elsewhere tree/link", true, "another link" },
	{ "rm tree/link", true, "a file less" },
	{ "mkdir tree/out/of2", true, "a folder more, of nearly the left out one's name" },
	{ "chmod 711 tree/out/of", true, "another mode of the left out folder" },
};

static void tells_changes(void)
{
	uint64_t before;

	sh("mkdir -p tree/a tree/out/of; echo one >tree/a/file; ln -s nowhere tree/link");
	before = digest();
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		uint64_t after;

		/* The clock of files moves in steps of the kernel's timer. */
		sh("sleep 0.02; %s", changes[i].command);
		after = digest();
		ok((after != before) == changes[i].changes, changes[i].name);
		before = after;
	}
}

static void counts_what_is_to_be_read(void)
{
	OWNED(drop_words) struct words left_out = { 0 };
	OWNED(drop_fd) int tree = -1;
	struct tree ret = { 0 };

	sh("mkdir -p tree3/in tree3/out; head -c 1000 /dev/zero >tree3/in/file; ln tree3/in/file tree3/twice;"
	   "ln -s file tree3/in/link; head -c 5000 /dev/zero >tree3/out/file; head -c 30 /dev/zero >tree3/more");
	tree = folder("tree3");
	words_add(&left_out, "out");
	ok(tree_look(tree, &left_out, NULL, &ret) == 0 && ret.bytes == 1030,
	   "a file with two names is read once, what is left out never");
	ok(ret.names == 6, "but each is a name");
}

static void follows_no_links(void)
{
	OWNED(drop_fd) int tree = -1;

	sh("mkdir -p tree2/lib/deep; echo x >tree2/lib/deep/file; echo secret >secret;"
	   "ln -s lib tree2/short; ln -s ../secret tree2/lib/link; ln -s " SCRATCH "/secret tree2/lib/absolute");
	tree = folder("tree2");
	ok(tree_open(tree, "lib/deep/file", O_RDONLY) >= 0, "a file of the tree");
	ok(tree_open(tree, "short/deep/file", O_RDONLY) < 0, "a link on the way is not followed");
	ok(tree_open(tree, "lib/link", O_RDONLY) == -ELOOP, "a link out of the tree is not followed");
	ok(tree_open(tree, "lib/absolute", O_RDONLY) == -ELOOP, "an absolute link is not followed");
	ok(tree_open(tree, "lib/nothing", O_RDONLY) == -ENOENT, "nothing there");
}

static void writes_archives(void)
{
	OWNED(drop_file) FILE *to = fopen("archive", "w");
	struct cpio cpio = { .to = to };

	cpio_add_file(&cpio, "a/b/odd", "12345", 5);
	cpio_add_file(&cpio, "a/empty", "", 0);
	cpio_add_file(&cpio, "top", "1234", 4);
	cpio_add_link(&cpio, "l/link", "../top");
	cpio_end(&cpio);
	(void)fflush(to);
	sh("mkdir -p out && cd out && cpio -idm --quiet --no-absolute-filenames <../archive");
	ok(holds("test \"$(cat out/a/b/odd)\" = 12345 && test \"$(cat out/top)\" = 1234 && test ! -s out/a/empty"
		 "&& test $(readlink out/l/link) = ../top"),
	   "cpio unpacks what was written");
	ok(holds("test $(stat -c %%a out/a) = 755 && test $(stat -c %%a:%%u out/a/b/odd) = 644:0"),
	   "with modes and owners");
	ok(holds("test $(($(stat -c %%s archive) %% 4)) = 0"), "and ends where another may begin");
}

static struct kernel_modules modules(const char *release)
{
	OWNED(drop_fd) int tree = folder("kernel");
	struct kernel_modules m;

	if (kernel_modules_find(release, tree, &m) < 0)
		sh("false");
	return m;
}

static void knows_modules(void)
{
	OWNED(drop_kernel_modules) struct kernel_modules m = NO_KERNEL_MODULES;
	OWNED(drop_kernel_modules) struct kernel_modules other = NO_KERNEL_MODULES;
	OWNED(drop_words) struct words files = { 0 };

	sh("mkdir -p kernel/usr/lib/modules/6.1-x; ln -s usr/lib kernel/lib; cd kernel/usr/lib/modules/6.1-x;"
	   "echo kernel/fs/fuse/virtiofs.ko >modules.builtin;"
	   "printf 'kernel/lib/crc.ko.xz:\\nkernel/fs/erofs.ko.xz: kernel/lib/crc.ko.xz\\n"
	   "kernel/fs/my-fs.ko: kernel/fs/erofs.ko.xz kernel/lib/crc.ko.xz\\nkernel/fs/overlayfs.ko:\\n' >modules.dep");
	/* A boot sector, "HdrS" at 0x202, at 0x20e where the version begins, less 0x200 */
	sh("{ head -c 514 /dev/zero; printf HdrS; head -c 8 /dev/zero; printf '\\0\\1'; head -c 240 /dev/zero;"
	   "printf '6.1-x (me@here) #1 SMP'; head -c 99 /dev/zero; } >bzImage; echo ELF >vmlinux");
	m = modules("bzImage");
	ok(m.folder >= 0 && strcmp(m.release, "6.1-x") == 0, "a kernel says its release");
	ok(kernel_module_files(&m, "virtiofs", &files) == MODULE_BUILT_IN && files.count == 0, "built in");
	ok(kernel_module_files(&m, "erofs", &files) == MODULE_FILE && files.count == 2 &&
		   words_have(&files, "kernel/fs/erofs.ko.xz") && words_have(&files, "kernel/lib/crc.ko.xz"),
	   "a module and what it needs");
	ok(kernel_module_files(&m, "my_fs", &files) == MODULE_FILE && files.count == 3, "each file once");
	ok(kernel_module_files(&m, "overlay", &files) == MODULE_MISSING, "the begin of a name is no name");
	other = modules("vmlinux");
	ok(other.folder >= 0 && strcmp(other.release, "6.1-x") == 0, "the tree's only modules");
	drop_kernel_modules(&other);
	sh("mkdir kernel/usr/lib/modules/6.2");
	other = modules("vmlinux");
	ok(other.folder < 0 && !other.release, "which of two nobody says");
}

static bool make(const struct made *m, const char *content, uint64_t of)
{
	OWNED(drop_fd) int draft = -1;

	return made_draft(m, &draft) == 0 &&
	       write(draft, content, strlen(content)) == (ssize_t)strlen(content) &&
	       made_publish(m, draft, of) == 0;
}

static void makes_anew(void)
{
	OWNED(drop_fd) int state = -1;
	OWNED(drop_fd) int old = -1;
	OWNED(drop_text) struct text read = { 0 };
	struct made m = { .name = "image", .uid = 1001, .gid = 1001 };

	sh("mkdir state; echo victim >victim; ln -s ../victim state/.image.microvm-new");
	m.folder = state = folder("state");
	ok(!made_is_fresh(&m, 1), "nothing is not fresh");
	ok(make(&m, "one", 1) && made_is_fresh(&m, 1), "what was made is fresh");
	ok(holds("test $(stat -c %%u:%%a state/image) = 1001:400 && test $(cat victim) = victim"),
	   "it is the user's, and a link that lies there is not followed");
	ok(!made_is_fresh(&m, 2), "not when it is to be of something else");
	old = openat(state, "image", O_RDONLY | O_CLOEXEC);
	ok(make(&m, "two", 2) && made_is_fresh(&m, 2) && !made_is_fresh(&m, 1), "made anew");
	ok(read_file(old, &read) == 0 && strcmp(read.at, "one") == 0, "who has the old one open keeps it");
	sh("chown 1002 state/image");
	ok(made_is_fresh(&m, 2), "another owner does not matter");
	sh("sleep 0.02; echo more >>state/image");
	ok(!made_is_fresh(&m, 2), "what was written to is not fresh");
	(void)make(&m, "three", 3);
	sh("sleep 0.02; cp state/image copy && mv copy state/image");
	ok(!made_is_fresh(&m, 3), "nor is another file");
	ok(made_remove(&m) == 0 && holds("test -z \"$(ls -A state)\""), "removed without a rest");
}

int main(void)
{
	enter_scratch();
	tells_changes();
	counts_what_is_to_be_read();
	follows_no_links();
	writes_archives();
	knows_modules();
	makes_anew();
	return finish();
}
