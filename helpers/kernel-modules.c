/* SPDX-License-Identifier: MIT */
#include "kernel-modules.h"

#include "read-file.h"
#include "tree.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* One of them is a link to the other, on systems that have both; links are not followed. */
static const char *const places[] = { "usr/lib/modules", "lib/modules" };

char *kernel_release(const char *kernel)
{
	enum { MAGIC_AT = 0x202, VERSION_AT = 0x20e, FROM = 0x200 };
	OWNED(drop_fd) int fd = open(kernel, O_RDONLY | O_CLOEXEC);
	char head[VERSION_AT + 2], text[128];
	ssize_t n;

	if (fd < 0 || pread(fd, head, sizeof(head), 0) != sizeof(head) ||
	    memcmp(head + MAGIC_AT, "HdrS", 4) != 0)
		return NULL;
	n = pread(fd, text, sizeof(text) - 1,
		  FROM + (unsigned char)head[VERSION_AT] + 256 * (unsigned char)head[VERSION_AT + 1]);
	text[n > 0 ? n : 0] = '\0';
	/* "6.12.0-amd64 (who@where) #1 SMP ..." */
	text[strcspn(text, " ")] = '\0';
	return *text && !strchr(text, '/') ? text_copy(text) : NULL;
}

static int find_in(int tree, struct kernel_modules *m)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(*places) && m->folder < 0; i++) {
		OWNED(drop_str) char *path = text_format("%s/%s", places[i], m->release);

		m->folder = tree_open(tree, path, O_RDONLY | O_DIRECTORY);
		if (m->folder < 0 && m->folder != -ENOENT && m->folder != -ELOOP && m->folder != -ENOTDIR)
			return m->folder;
	}
	return 0;
}

/* The only name in the tree's folder of modules, or NULL. */
static char *only_release(int tree)
{
	char *only = NULL;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places) && !only; i++) {
		int fd = tree_open(tree, places[i], O_RDONLY | O_DIRECTORY);
		OWNED(drop_dir) DIR *d = fd < 0 ? NULL : fdopendir(fd);
		const struct dirent *entry;
		unsigned count = 0;

		while (d && (entry = readdir(d))) {
			if (*entry->d_name == '.')
				continue;
			drop_str(&only);
			only = ++count == 1 ? text_copy(entry->d_name) : NULL;
		}
	}
	return only;
}

int kernel_modules_find(const char *kernel, int tree, struct kernel_modules *ret)
{
	OWNED(drop_fd) int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	*ret = NO_KERNEL_MODULES;
	ret->release = kernel_release(kernel);
	if (!ret->release)
		ret->release = only_release(tree);
	if (!ret->release)
		return 0;
	r = find_in(tree, ret);
	if (r == 0 && ret->folder < 0)
		r = find_in(host, ret);
	if (ret->folder < 0)
		ret->folder = -1;
	return r;
}

/* Whether "kernel/fs/9p/9p.ko.xz", up to END, is the module of that name, in which '-' and '_' are one. */
static bool is_module(const char *path, const char *end, const char *name)
{
	const char *from = end;
	size_t n = strlen(name);

	while (from > path && from[-1] != '/')
		from--;
	for (size_t i = 0; i < n; i++)
		if (from + i >= end || (from[i] == '-' ? '_' : from[i]) != (name[i] == '-' ? '_' : name[i]))
			return false;
	return end - (from + n) >= 3 && strncmp(from + n, ".ko", 3) == 0;
}

/* The line of a list that begins with the module's file, as far as one of STOPS; NULL: there is none. */
static const char *find_line(const char *list, const char *name, const char *stops)
{
	while (*list) {
		if (is_module(list, list + strcspn(list, stops), name))
			return list;
		list += strcspn(list, "\n");
		list += *list == '\n';
	}
	return NULL;
}

/* "a.ko: b.ko c.ko" */
static void add_files(const char *line, struct words *ret)
{
	size_t length = strcspn(line, "\n");

	for (size_t at = 0; at < length; at += strspn(line + at, ": ")) {
		size_t n = strcspn(line + at, ": \n");
		OWNED(drop_str) char *file = text_format("%.*s", (int)n, line + at);

		if (!words_have(ret, file))
			words_add(ret, file);
		at += n;
	}
}

int kernel_module_files(const struct kernel_modules *m, const char *name, struct words *ret)
{
	OWNED(drop_text) struct text builtin = { 0 };
	OWNED(drop_text) struct text needs = { 0 };
	const char *line;
	int r = read_file_at(m->folder, "modules.builtin", &builtin);

	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && find_line(builtin.at, name, "\n"))
		return MODULE_BUILT_IN;
	r = read_file_at(m->folder, "modules.dep", &needs);
	if (r < 0)
		return r;
	line = find_line(needs.at, name, ":\n");
	if (!line)
		return MODULE_MISSING;
	add_files(line, ret);
	return MODULE_FILE;
}

void drop_kernel_modules(struct kernel_modules *m)
{
	free(m->release);
	drop_fd(&m->folder);
	*m = NO_KERNEL_MODULES;
}
