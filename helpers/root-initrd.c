/* SPDX-License-Identifier: MIT */
/* The user's initrd, and behind it an archive of what it lacks: the kernel unpacks both, one over the other. */
#include "root-tree.h"

#include "cpio.h"
#include "kernel-modules.h"
#include "made.h"
#include "read-file.h"
#include "tree.h"
#include "../common/digest.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/root.h"
#include "paths.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* What goes into the archive: each path there, and the open file that is to be found there. */
struct brought {
	struct words paths;
	int *fds;
	struct words modules; /* for modprobe(8) */
};

static void drop_brought(struct brought *b)
{
	for (size_t i = 0; i < b->paths.count; i++)
		drop_fd(&b->fds[i]);
	free(b->fds);
	drop_words(&b->paths);
	drop_words(&b->modules);
}

/* The descriptor, or -errno, is owned from now on. */
static int bring(struct brought *b, char *path, int fd)
{
	words_take(&b->paths, path);
	b->fds = must(reallocarray(b->fds, b->paths.count, sizeof(*b->fds)));
	b->fds[b->paths.count - 1] = fd;
	return fd < 0 ? fd : 0;
}

static void find_needed(const struct microvm *vm, struct words *ret)
{
	static const char *const modules[FS_TYPES] = { "ext4", "ext4", "ext4", "xfs", "btrfs" };
	const struct volume *v = root_overlay(vm);

	words_add(ret, root_fs_name(vm));
	if (vm->root.type == ROOT_9P)
		words_add(ret, "9pnet_virtio");
	if (root_has_overlay(vm))
		words_add(ret, "overlay");
	if (v)
		words_add(ret, modules[volume_fs_type(v)]);
}

static int find_files(const struct kernel_modules *m, const struct words *needed, struct brought *b,
		      struct words *files)
{
	for (size_t i = 0; i < needed->count; i++) {
		int r = kernel_module_files(m, needed->at[i], files);

		if (r < 0)
			return root_fail("the modules of kernel %s cannot be read: %s", m->release, strerror(-r));
		if (r == MODULE_MISSING)
			return root_fail("kernel %s has no module %s, neither built in nor in lib/modules/%s of "
					 "source", m->release, needed->at[i], m->release);
		if (r == MODULE_FILE)
			words_add(&b->modules, needed->at[i]);
	}
	return EXIT_DONE;
}

/* In a folder of their own, with the index that they were listed in. */
static int bring_modules(const struct kernel_modules *m, const struct words *files, struct brought *b)
{
	int r = 0;

	for (size_t i = 0; i < files->count && r == 0; i++)
		r = bring(b, text_format("microvm/lib/modules/%s/%s", m->release, files->at[i]),
			  tree_open(m->folder, files->at[i], O_RDONLY | O_NONBLOCK));
	if (r == 0 && files->count > 0)
		r = bring(b, text_format("microvm/lib/modules/%s/modules.dep.bin", m->release),
			  tree_open(m->folder, "modules.dep.bin", O_RDONLY | O_NONBLOCK));
	return r < 0 ? root_fail("%s: %s", b->paths.at[b->paths.count - 1], strerror(-r)) : EXIT_DONE;
}

static int find_modules(const struct root_work *w, struct brought *b)
{
	OWNED(drop_kernel_modules) struct kernel_modules m = NO_KERNEL_MODULES;
	OWNED(drop_words) struct words needed = { 0 };
	OWNED(drop_words) struct words files = { 0 };
	int r = kernel_modules_find(w->vm->kernel, w->tree, &m);

	if (r < 0)
		return root_fail("the modules of the kernel cannot be found: %s", strerror(-r));
	find_needed(w->vm, &needed);
	if (m.folder < 0) {
		log_line(LEVEL_WARNING, "[root] source has no modules of kernel %s; the guest can only use what is "
					"built in or in its initrd", m.release ? m.release : w->vm->kernel);
		return EXIT_DONE;
	}
	r = find_files(&m, &needed, b, &files);
	return r == EXIT_DONE ? bring_modules(&m, &files, b) : r;
}

/* Ours, whatever the initrd is: it looks at what is for its kind. */
static int bring_ours(struct brought *b)
{
	static const char *const files[] = { "scripts/microvm", "microvm/overlay",
					     "etc/systemd/system/microvm-modules.service",
					     "etc/systemd/system/microvm-overlay.service",
					     "etc/systemd/system/dracut-cmdline.service.d/microvm.conf" };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		OWNED(drop_str) char *path = text_format(HELPERDIR "/initrd/%s", files[i]);
		int r = bring(b, text_copy(files[i]), open(path, O_RDONLY | O_CLOEXEC));

		if (r < 0)
			return log_failure(r, "%s", path);
	}
	return EXIT_DONE;
}

static int copy(int fd, FILE *to)
{
	OWNED(drop_text) struct text bytes = { 0 };
	int r = read_file(fd, &bytes);

	if (r < 0)
		return r;
	(void)fwrite(bytes.at, 1, bytes.length, to);
	/* Where the archive behind it may begin. */
	(void)fwrite("\0\0\0", 1, -bytes.length & 3, to);
	return 0;
}

/* The initrd's own index of modules does not know these. */
static void add_modules(struct cpio *cpio, const struct words *modules)
{
	OWNED(drop_text) struct text script = { 0 };

	text_add(&script, modules->count > 0 ? "exec modprobe -d /microvm -a" : "");
	for (size_t i = 0; i < modules->count; i++)
		text_addf(&script, " %s", modules->at[i]);
	text_add(&script, "\n");
	cpio_add_file(cpio, "microvm/modules", script.at, script.length);
}

/* As "systemctl enable" would write it. */
static void add_units(struct cpio *cpio)
{
	cpio_add_link(cpio, "etc/systemd/system/sysroot.mount.requires/microvm-modules.service",
		      "../microvm-modules.service");
	cpio_add_link(cpio, "etc/systemd/system/initrd-root-fs.target.requires/microvm-overlay.service",
		      "../microvm-overlay.service");
}

static int add_archive(const struct brought *b, FILE *to)
{
	struct cpio cpio = { .to = to };

	for (size_t i = 0; i < b->paths.count; i++) {
		OWNED(drop_text) struct text bytes = { 0 };
		int r = read_file(b->fds[i], &bytes);

		if (r < 0)
			return r;
		cpio_add_file(&cpio, b->paths.at[i], bytes.at, bytes.length);
	}
	add_units(&cpio);
	add_modules(&cpio, &b->modules);
	cpio_end(&cpio);
	return 0;
}

static int fill(int initrd, const struct brought *b, int draft)
{
	OWNED(drop_fd) int fd = fcntl(draft, F_DUPFD_CLOEXEC, 3);
	OWNED(drop_file) FILE *to = fd < 0 ? NULL : fdopen(fd, "w");
	int r;

	if (!to)
		return -errno;
	(void)MOVE_FD(fd);
	r = copy(initrd, to);
	if (r == 0)
		r = add_archive(b, to);
	if (r == 0 && (fflush(to) != 0 || ferror(to)))
		r = -errno;
	return r;
}

static int make(const struct made *m, int initrd, const struct brought *b, uint64_t digest)
{
	OWNED(drop_fd) int draft = -1;
	int r = made_draft(m, &draft);

	if (r == 0)
		r = fill(initrd, b, draft);
	if (r == 0)
		r = made_publish(m, draft, digest);
	if (r == 0)
		return EXIT_DONE;
	made_forget(m);
	return root_fail("%s cannot be made: %s", m->name, strerror(-r));
}

static int digest_of(int initrd, const struct brought *b, uint64_t *ret)
{
	uint64_t digest = DIGEST_OF_NOTHING;
	struct stat st;

	if (fstat(initrd, &st) < 0)
		return -errno;
	digest = file_digest(digest, &st);
	for (size_t i = 0; i < b->paths.count; i++) {
		if (fstat(b->fds[i], &st) < 0)
			return -errno;
		digest = file_digest(digest_add_text(digest, b->paths.at[i]), &st);
	}
	for (size_t i = 0; i < b->modules.count; i++)
		digest = digest_add_text(digest, b->modules.at[i]);
	*ret = digest;
	return 0;
}

/* Whether the user's initrd is enough: it finds the root by its parameters, and the kernel has the rest. */
static bool is_enough(const struct microvm *vm, const struct brought *b)
{
	return !root_has_overlay(vm) && b->modules.count == 0;
}

int root_make_initrd(const struct root_work *w)
{
	const struct made m = { w->state, ROOT_INITRD, w->uid, w->gid };
	OWNED(drop_fd) int initrd = open(w->vm->initrd_path, O_RDONLY | O_CLOEXEC);
	OWNED(drop_brought) struct brought b = { 0 };
	uint64_t digest = 0;
	int r;

	if (initrd < 0)
		return log_failure(-errno, "initrdPath: %s", w->vm->initrd_path);
	r = find_modules(w, &b);
	if (r == EXIT_DONE && is_enough(w->vm, &b)) {
		r = made_remove(&m);
		return r < 0 ? root_fail("%s cannot be removed: %s", m.name, strerror(-r)) : EXIT_DONE;
	}
	if (r == EXIT_DONE)
		r = bring_ours(&b);
	if (r != EXIT_DONE)
		return r;
	r = digest_of(initrd, &b, &digest);
	if (r < 0)
		return root_fail("%s cannot be made: %s", m.name, strerror(-r));
	return made_is_fresh(&m, digest) ? EXIT_DONE : make(&m, initrd, &b, digest);
}
