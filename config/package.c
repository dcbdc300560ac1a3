/* SPDX-License-Identifier: MIT */
#include "package.h"

#include "keys.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../common/trusted-path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

enum { LONGEST_LINE = 4096, MOST_LINES = 1000 };

struct package {
	const char *root;
	struct microvm *vm;
	struct problems *problems;
};

/* One line of a file of the package, in words. */
typedef void line_reader(const struct package *p, const struct spot *at, const struct words *line);

char *package_current(const char *name)
{
	return text_format("/var/lib/microvms/%s/current", name);
}

/* A folder or file that nobody but root can have put there. */
static int find(const char *root, const char *path, mode_t type, struct found *ret)
{
	int r = path_find_below(root, path, ret);

	if (r < 0)
		return r;
	if (ret->file < 0)
		return -ENOENT;
	if (ret->owner != 0 || ret->stat.st_uid != 0)
		return -ELOOP;
	return (ret->stat.st_mode & S_IFMT) == type ? 0 : type == S_IFDIR ? -ENOTDIR : -EINVAL;
}

int package_find(const char *root, const char *path, char **ret)
{
	OWNED(drop_found) struct found found = NOTHING_FOUND;
	char link[PATH_OF_FD], real[PATH_MAX];
	int r = find(root, path, S_IFDIR, &found);
	ssize_t n;

	if (r < 0)
		return r;
	path_of_fd(found.file, link);
	n = readlink(link, real, sizeof(real) - 1);
	if (n < 0)
		return -errno;
	real[n] = '\0';
	*ret = text_copy(real + strlen(root));
	return 0;
}

static void set(const struct package *p, const struct spot *at, const char *kind, const char *id,
		const char *name, const char *value)
{
	const struct section_kind *k = section_kind_find(kind, strlen(kind));
	struct spot spot = *at;

	if (id && section_id_check(at, k, id) < 0)
		return;
	spot.section = microvm_section(p->vm, k, id);
	if (!spot.section->place.file)
		((struct section *)spot.section)->place = at->place;
	spot.key = key_find(k, name);
	(void)key_set_literal(&spot, (struct section *)spot.section, value);
	/* Also when the value does not fit: the key is there. */
	*key_place(spot.key, spot.section) = at->place;
}

static void read_tap(const struct package *p, const struct spot *at, const struct words *line)
{
	set(p, at, "interface", line->at[0], "type", "tap");
}

/* ID MAC LINK MODE */
static void read_macvtap(const struct package *p, const struct spot *at, const struct words *line)
{
	static const char *const keys[] = { "mac", "macvtap.link", "macvtap.mode" };

	if (line->count != 4) {
		problem(at, "is not a line of an ID, a hardware address, an interface and a mode");
		return;
	}
	set(p, at, "interface", line->at[0], "type", "macvtap");
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		set(p, at, "interface", line->at[0], keys[i], line->at[i + 1]);
}

/* Its hypervisor opens a tap more than once, as ours do where the guest has several CPUs. */
static void read_tap_flag(const struct package *p, const struct spot *at, const struct words *line)
{
	for (size_t i = 0; i < line->count; i++)
		if (strcmp(line->at[i], "multi_queue") == 0)
			set(p, at, "microvm", NULL, "vcpu", "2");
}

static void read_pci(const struct package *p, const struct spot *at, const struct words *line)
{
	OWNED(drop_str) char *id = text_format("pci-%zu", p->vm->devices.count);

	set(p, at, "device", id, "bus", "pci");
	set(p, at, "device", id, "path", line->at[0]);
}

static void line_read(const struct package *p, const struct spot *at, char *text, line_reader *read)
{
	OWNED(drop_words) struct words line = { 0 };
	char *rest = text;

	for (char *word = strsep(&rest, " \t\r\n"); word; word = strsep(&rest, " \t\r\n"))
		if (*word)
			words_add(&line, word);
	if (line.count > 0)
		read(p, at, &line);
}

static FILE *open_found(const struct found *found)
{
	int fd = path_reopen(found->file, O_RDONLY);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (!f)
		drop_fd(&fd);
	return f;
}

static int cannot_read(const struct spot *at, int error)
{
	if (error == -ELOOP)
		return problem(at, "cannot be trusted: it, or what leads to it, belongs to another user than root");
	if (error == -EINVAL)
		return problem(at, "is not a file");
	return problem(at, "cannot be read: %s", strerror(-error));
}

/* The place of a file of the package, by the name that people know. */
static struct spot place_in(const struct package *p, const char *file)
{
	words_addf(&p->vm->package_files, "%s/%s", p->vm->runner, file);
	return (struct spot){
		.problems = p->problems,
		.place.file = p->vm->package_files.at[p->vm->package_files.count - 1],
		.name = p->vm->name,
	};
}

/* A file that is not there says nothing. */
static void file_read(const struct package *p, const char *file, line_reader *read)
{
	OWNED(drop_found) struct found found = NOTHING_FOUND;
	OWNED(drop_file) FILE *f = NULL;
	struct spot at = place_in(p, file);
	char line[LONGEST_LINE];
	int r = find(p->root, at.place.file, S_IFREG, &found);

	if (r == -ENOENT)
		return;
	f = r == 0 ? open_found(&found) : NULL;
	if (!f) {
		cannot_read(&at, r < 0 ? r : -errno);
		return;
	}
	while (at.place.line < MOST_LINES && fgets(line, sizeof(line), f)) {
		at.place.line++;
		line_read(p, &at, line, read);
	}
}

/* The whole first line: a folder may have blanks in its name. */
static char *first_line(const struct package *p, struct spot *at, const char *file)
{
	OWNED(drop_found) struct found found = NOTHING_FOUND;
	OWNED(drop_file) FILE *f = NULL;
	char line[LONGEST_LINE] = "";
	int r;

	*at = place_in(p, file);
	r = find(p->root, at->place.file, S_IFREG, &found);
	f = r == 0 ? open_found(&found) : NULL;
	if (!f || !fgets(line, sizeof(line), f)) {
		cannot_read(at, r < 0 ? r : f ? -ENODATA : -errno);
		return NULL;
	}
	at->place.line = 1;
	line[strcspn(line, "\n")] = '\0';
	return text_copy(line);
}

/* What the host's packages are made of is nobody's to write, from no guest. */
static bool is_of_a_store(const char *path)
{
	static const char store[] = "/nix/store";

	return strncmp(path, store, sizeof(store) - 1) == 0 &&
	       (path[sizeof(store) - 1] == '/' || !path[sizeof(store) - 1]);
}

static void set_socket(const struct package *p, const struct spot *at, const char *tag, const char *socket)
{
	OWNED(drop_str) char *folder = microvm_state_dir(p->vm);
	OWNED(drop_str) char *path = *socket == '/' ? text_copy(socket) :
						      text_format("%s/%s", folder, socket);

	set(p, at, "share", tag, "socket", path);
}

static void share_read(const struct package *p, const char *tag)
{
	OWNED(drop_str) char *source_file = text_format("share/microvm/virtiofs/%s/source", tag);
	OWNED(drop_str) char *socket_file = text_format("share/microvm/virtiofs/%s/socket", tag);
	struct spot source_at, socket_at;
	OWNED(drop_str) char *source = first_line(p, &source_at, source_file);
	OWNED(drop_str) char *socket = first_line(p, &socket_at, socket_file);

	if (!source || !socket)
		return;
	set(p, &source_at, "share", tag, "proto", "virtiofs");
	set(p, &source_at, "share", tag, "source", source);
	if (is_of_a_store(source))
		set(p, &source_at, "share", tag, "readOnly", "yes");
	set_socket(p, &socket_at, tag, socket);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int names_of(const struct found *folder, struct words *ret)
{
	int fd = path_reopen(folder->file, O_RDONLY | O_DIRECTORY);
	OWNED(drop_dir) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!d) {
		drop_fd(&fd);
		return -errno;
	}
	while ((entry = readdir(d)))
		if (*entry->d_name != '.')
			words_add(ret, entry->d_name);
	if (ret->count > 1)
		qsort(ret->at, ret->count, sizeof(*ret->at), by_text);
	return 0;
}

static void shares_read(const struct package *p)
{
	OWNED(drop_found) struct found found = NOTHING_FOUND;
	OWNED(drop_words) struct words tags = { 0 };
	struct spot at = place_in(p, "share/microvm/virtiofs");
	int r = find(p->root, at.place.file, S_IFDIR, &found);

	if (r == 0)
		r = names_of(&found, &tags);
	if (r < 0 && r != -ENOENT)
		cannot_read(&at, r);
	for (size_t i = 0; i < tags.count; i++)
		share_read(p, tags.at[i]);
}

static int cannot_find(const struct microvm *vm, struct problems *problems, int error)
{
	const struct section *s = &vm->section;

	if (error == -ELOOP)
		return problem_in(problems, s, "runner", "'%s' cannot be trusted: it, or what leads to it, belongs "
				  "to another user than root", vm->runner);
	return problem_in(problems, s, "runner", "'%s': %s", vm->runner, strerror(-error));
}

int package_load(const char *root, struct microvm *vm, struct problems *problems)
{
	const struct package p = { .root = root, .vm = vm, .problems = problems };
	size_t before = problems->errors.count;
	char *real = NULL;
	int r = package_find(root, vm->runner, &real);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return cannot_find(vm, problems, r);
	vm->runner_given = vm->runner;
	vm->runner = real;
	/* How many CPUs the guest has is nobody's affair here but of its taps. */
	set(&p, &(struct spot){ .problems = problems, .place = vm->section.place }, "microvm", NULL, "vcpu",
	    "1");
	file_read(&p, "share/microvm/tap-interfaces", read_tap);
	file_read(&p, "share/microvm/tap-flags", read_tap_flag);
	file_read(&p, "share/microvm/macvtap-interfaces", read_macvtap);
	file_read(&p, "share/microvm/pci-devices", read_pci);
	shares_read(&p);
	return problems->errors.count > before ? -EINVAL : 0;
}
