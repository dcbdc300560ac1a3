/* SPDX-License-Identifier: MIT */
/* The image of the tree. */
#include "root-tree.h"

#include "made.h"
#include "probe.h"
#include "progress.h"
#include "run-program.h"
#include "tree.h"
#include "../common/digest.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/root.h"

#include <string.h>

/* A program that makes such an image, called as PROGRAM OPTIONS FLAGS... in its own order. */
struct maker {
	const char *program, *package;
	const char *flags; /* where the user sets none */
	void (*command)(const struct words *flags, const struct words *left_out, struct words *argv);
};

/* What is the host's own of its system, and what of it belongs to one running system alone. */
static const char *const hosts_own[] = { "dev", "proc", "run", "sys", "tmp", "var/tmp", "var/log/journal",
					 "var/lib/systemd/coredump", "etc/microvm", "var/lib/microvms" };

/* Where the path lies in the source; NULL: elsewhere. */
static const char *below(const char *source, const char *path)
{
	size_t n = strlen(source);

	if (strcmp(source, "/") == 0)
		return path + 1;
	return strncmp(path, source, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

/* Folders of which only the name is taken. */
static void find_left_out(const struct microvm *vm, struct words *ret)
{
	OWNED(drop_str) char *state = microvm_state_dir(vm);
	const char *ours = below(vm->root.source, state);
	const char *all = below(vm->root.source, "/var/lib/microvms");

	for (size_t i = 0; root_is_host(vm) && i < sizeof(hosts_own) / sizeof(*hosts_own); i++)
		words_add(ret, hosts_own[i]);
	if (all && !words_have(ret, all))
		words_add(ret, all);
	if (ours)
		words_add(ret, ours);
}

/* A name as an extended regular expression that is nothing but that name. */
static void add_literal(struct text *t, const char *name, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text_addf(t, strchr(".[]{}()*+?^$|\\", name[i]) ? "\\%c" : "%c", name[i]);
}

static void erofs_command(const struct words *flags, const struct words *left_out, struct words *argv)
{
	words_add(argv, "--quiet");
	words_add_all(argv, flags);
	for (size_t i = 0; i < left_out->count; i++) {
		OWNED(drop_text) struct text t = { 0 };

		text_add(&t, "--exclude-regex=^");
		add_literal(&t, left_out->at[i], strlen(left_out->at[i]));
		text_add(&t, "/.");
		words_add(argv, t.at);
	}
	words_add(argv, GIVEN_FILE);
	words_add(argv, ROOT_TREE);
}

/* An expression for each name of the path, which mksquashfs takes apart itself. */
static void add_squashfs_path(struct words *argv, const char *path)
{
	OWNED(drop_text) struct text t = { 0 };

	for (; *path; path += strspn(path, "/")) {
		size_t n = strcspn(path, "/");

		text_add(&t, "^");
		add_literal(&t, path, n);
		text_add(&t, "$/");
		path += n;
	}
	text_add(&t, ".");
	words_add(argv, t.at);
}

static void squashfs_command(const struct words *flags, const struct words *left_out, struct words *argv)
{
	words_add(argv, ROOT_TREE);
	words_add(argv, GIVEN_FILE);
	words_add(argv, "-noappend");
	words_add(argv, "-quiet");
	words_add(argv, "-no-progress");
	words_add(argv, "-exit-on-error");
	/* Else it is a quarter of the host's memory: the tree is read into it at once, and then nothing tells how far it is. */
	words_add(argv, "-mem");
	words_add(argv, "128M");
	words_add_all(argv, flags);
	if (left_out->count == 0)
		return;
	words_add(argv, "-regex");
	words_add(argv, "-e");
	for (size_t i = 0; i < left_out->count; i++)
		add_squashfs_path(argv, left_out->at[i]);
}

/* Fast rather than small: the image is made at a start. */
static const struct maker makers[] = {
	[ROOT_EROFS] = { "mkfs.erofs", "erofs-utils", "-zlz4", erofs_command },
	[ROOT_SQUASHFS] = { "mksquashfs", "squashfs-tools", "-comp zstd -Xcompression-level 3",
			    squashfs_command },
};

static void find_flags(const struct microvm *vm, const struct maker *maker, struct words *ret)
{
	const bool erofs = vm->root.type == ROOT_EROFS;
	const struct words *told = erofs ? &vm->root.erofs_flags : &vm->root.squashfs_flags;

	if (section_sets(&vm->root.section, erofs ? "erofsFlags" : "squashfsFlags"))
		words_add_all(ret, told);
	else
		(void)words_split(ret, maker->flags);
}

static int run(const struct root_work *w, const struct words *argv, int draft, uint64_t bytes)
{
	OWNED(drop_str) char *doing = text_format("[root] making the %s image", root_fs_name(w->vm));
	int r = progress_run(argv, draft, doing, bytes);
	OWNED(drop_str) char *failure = program_failure(r, argv->at[0], makers[w->vm->root.type].package);

	return failure ? root_fail("the image cannot be made: %s", failure) : EXIT_DONE;
}

/* Flags of the user's may do anything. */
static int check_content(const struct microvm *vm, const char *program, int draft)
{
	OWNED(drop_str) char *type = NULL;
	int content = probe_content(draft, &type);

	if (content == CONTENT_KNOWN && strcmp(type, root_fs_name(vm)) == 0)
		return EXIT_DONE;
	return root_fail("the image cannot be made: %s left %s, not %s; see %sFlags", program,
			 type ? type : "no file system", root_fs_name(vm), root_fs_name(vm));
}

static int publish(const struct root_work *w, const struct made *m, int draft, uint64_t digest)
{
	int r;

	progress_tell("[root] writing the %s image to the disk", root_fs_name(w->vm));
	r = made_publish(m, draft, digest);
	progress_end();
	return r < 0 ? root_fail("%s cannot be made: %s", m->name, strerror(-r)) : EXIT_DONE;
}

static int make(const struct root_work *w, const struct made *m, const struct words *argv, const struct tree *tree)
{
	OWNED(drop_fd) int draft = -1;
	int r = made_draft(m, &draft);

	if (r < 0)
		return root_fail("%s cannot be made: %s", m->name, strerror(-r));
	r = run(w, argv, draft, tree->bytes);
	if (r == EXIT_DONE)
		r = check_content(w->vm, argv->at[0], draft);
	if (r == EXIT_DONE)
		r = publish(w, m, draft, tree->digest);
	if (r != EXIT_DONE)
		made_forget(m);
	else
		log_line(LEVEL_INFO, "[root] %s: made of %s", m->name, w->vm->root.source);
	return r;
}

static void tell_looked(size_t names)
{
	if (progress_is_due())
		progress_tell("[root] looking for what has changed: %zu files so far", names);
}

int root_make_image(const struct root_work *w)
{
	const struct made m = { w->state, ROOT_IMAGE, w->uid, w->gid };
	const struct maker *maker = &makers[w->vm->root.type];
	OWNED(drop_words) struct words left_out = { 0 };
	OWNED(drop_words) struct words flags = { 0 };
	OWNED(drop_words) struct words argv = { 0 };
	struct tree tree = { 0 };
	int r;

	find_left_out(w->vm, &left_out);
	find_flags(w->vm, maker, &flags);
	words_add(&argv, maker->program);
	maker->command(&flags, &left_out, &argv);
	/* Before the program looks: what changes meanwhile is a change. */
	r = tree_look(w->tree, &left_out, tell_looked, &tree);
	progress_end();
	if (r < 0)
		return root_fail("source: %s cannot be read: %s", w->vm->root.source, strerror(-r));
	for (size_t i = 0; i < argv.count; i++)
		tree.digest = digest_add_text(tree.digest, argv.at[i]);
	return made_is_fresh(&m, tree.digest) ? EXIT_DONE : make(w, &m, &argv, &tree);
}
