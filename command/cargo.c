/* SPDX-License-Identifier: MIT */
#include "cargo.h"

#include "deployed.h"
#include "../common/digest.h"
#include "../common/escape.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/keys.h"
#include "../config/root.h"
#include "../helpers/firmware.h"
#include "../helpers/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* The host-wide file is each host's own. */
static bool is_said(const struct cargo *c, const struct section *s, const struct key *key)
{
	const char *file = key_place(key, s)->file, *defaults = c->sources->defaults_shown;

	return file && (!defaults || strcmp(file, defaults) != 0);
}

static void move(struct cargo *c, const struct section *s, const struct key *key, const char *path)
{
	c->moved = must(reallocarray(c->moved, c->moved_count + 1, sizeof(*c->moved)));
	c->moved[c->moved_count++] = (struct moved){ s, key, text_copy(path) };
}

static int refuse(const struct section *s, const struct key *key, const char *path, const char *why)
{
	return log_refusal("[%s%s%s] %s: %s %s", s->kind->name, s->id ? " " : "",
			   s->id ? s->id : "", key->name, path, why);
}

/* By its real path: a link would go as a link. */
static int take(struct cargo *c, const struct section *s, const struct key *key, const char *given)
{
	OWNED(drop_str) char *path = realpath(given, NULL);
	struct stat st;

	if (!path || stat(path, &st) < 0)
		return refuse(s, key, given, strerror(errno));
	if (strcmp(path, "/") == 0)
		return refuse(s, key, given, "is this host's own system, which is not sent");
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return refuse(s, key, given, "is neither a file nor a folder");
	move(c, s, key, path);
	words_take_once(S_ISDIR(st.st_mode) ? &c->trees : &c->files, MOVE(path));
	return EXIT_DONE;
}

/* What it keeps variables in is begun with a template, which is looked for beside it. */
static void take_variables(struct cargo *c, const char *image)
{
	OWNED(drop_firmware) struct firmware firmware = { 0 };
	char *path;

	firmware_find(image, &firmware);
	path = firmware.variables ? realpath(firmware.variables, NULL) : NULL;
	if (path)
		words_take_once(&c->files, path);
}

static bool is_packaged(const char *path)
{
	return strncmp(path, "/usr/", strlen("/usr/")) == 0 &&
	       strncmp(path, "/usr/local/", strlen("/usr/local/")) != 0;
}

static int gather_key(struct cargo *c, const struct section *s, const struct key *key)
{
	const char *path;
	int r;

	if (!(key->rules & (SENT | SENT_UNLESS_PACKAGED)) || !is_said(c, s, key))
		return EXIT_DONE;
	path = *(char **)key_field(key, s);
	if (!path || !*path || (key->rules & SENT_UNLESS_PACKAGED && is_packaged(path)))
		return EXIT_DONE;
	r = take(c, s, key, path);
	if (r == EXIT_DONE && path == c->of->vm.firmware)
		take_variables(c, path);
	return r;
}

static int gather_section(struct cargo *c, const struct section *s)
{
	int r = EXIT_DONE;

	for (size_t i = 0; i < s->kind->count && r == EXIT_DONE; i++)
		r = gather_key(c, s, &s->kind->keys[i]);
	return r;
}

static int gather_keys(struct cargo *c)
{
	int r = EXIT_DONE;

	for (size_t i = 0; i < section_kind_count && r == EXIT_DONE; i++) {
		const void *member = (const char *)&c->of->vm + section_kinds[i].offset;
		const struct sections *list = member;

		if (section_kinds[i].longest == 0)
			r = gather_section(c, member);
		for (size_t n = 0;
		     section_kinds[i].longest > 0 && n < list->count && r == EXIT_DONE; n++)
			r = gather_section(c, list->at[n]);
	}
	return r;
}

/* One that is written to is not the configuration's, but the guest's: it goes where nobody has one.
 */
static int gather_volume(struct cargo *c, const struct volume *v)
{
	OWNED(drop_str) char *path = volume_path(&c->of->vm, v);
	char *real;

	if (volume_is_device(v) || root_owns(&c->of->vm, &v->section))
		return EXIT_DONE;
	if (v->read_only)
		return take(c, &v->section, key_find(v->section.kind, "image"), path);
	real = realpath(path, NULL);
	if (!real)
		return errno == ENOENT ? EXIT_DONE : log_failure(-errno, "%s", path);
	words_add(&c->volume_ids, v->section.id);
	words_take(&c->volumes, real);
	return EXIT_DONE;
}

static int gather_share(struct cargo *c, const struct share *s)
{
	OWNED(drop_str) char *path = share_source(&c->of->vm, s);

	if (!c->shares || !s->read_only || root_owns(&c->of->vm, &s->section))
		return EXIT_DONE;
	return take(c, &s->section, key_find(s->section.kind, "source"), path);
}

static int gather(struct cargo *c)
{
	int r = gather_keys(c);

	for (each(struct volume, v, c->of->vm.volumes))
		r = r == EXIT_DONE ? gather_volume(c, v) : r;
	for (each(struct share, s, c->of->vm.shares))
		r = r == EXIT_DONE ? gather_share(c, s) : r;
	return r;
}

static void mode_of(const char *file, mode_t *ret)
{
	struct stat st;

	if (stat(file, &st) == 0)
		*ret &= st.st_mode;
}

static void mode_find(struct cargo *c)
{
	c->mode = 0666;
	mode_of(c->of->source->shown, &c->mode);
	for (size_t i = 0; i < c->of->source->dropins.count; i++)
		mode_of(c->of->source->dropins.at[i], &c->mode);
}

static uint64_t digest_conf(const struct merged *conf)
{
	uint64_t digest = DIGEST_OF_NOTHING;

	for (size_t i = 0; i < conf->kept.count; i++) {
		const struct kept_entry *e = &conf->kept.at[i];
		const char *const parts[] = { e->section, e->id ? e->id : "", e->key, e->value };

		for (size_t n = 0; n < sizeof(parts) / sizeof(*parts); n++)
			digest = digest_add_text(digest, parts[n]);
	}
	return digest;
}

/* As rsync tells what has changed. Not by ctime: a start here lets the MicroVM's user into an
 * image. */
static int digest_file(const char *path, uint64_t *digest)
{
	struct stat st;
	int r = stat(path, &st) < 0 ? -errno : 0;
	const uint64_t fields[] = { (uint64_t)st.st_size, (uint64_t)st.st_mtim.tv_sec,
				    (uint64_t)st.st_mtim.tv_nsec };

	*digest = digest_add(digest_add_text(*digest, path), fields, sizeof(fields));
	return r;
}

static int digest_tree(const char *path, uint64_t *digest)
{
	OWNED(drop_fd) int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct words nothing = { 0 };
	struct tree tree = { 0 };
	int r = folder < 0 ? -errno : tree_look(folder, &nothing, NULL, &tree);

	*digest = digest_add(digest_add_text(*digest, path), &tree.digest, sizeof(tree.digest));
	return r;
}

static int digest_all(const struct words *paths, int (*one)(const char *, uint64_t *),
		      uint64_t *digest)
{
	for (size_t i = 0; i < paths->count; i++) {
		int r = one(paths->at[i], digest);

		if (r < 0)
			return log_failure(r, "%s", paths->at[i]);
	}
	return EXIT_DONE;
}

static int version_find(struct cargo *c)
{
	uint64_t digest = digest_conf(&c->conf);
	int r = digest_all(&c->files, digest_file, &digest);

	if (r == EXIT_DONE)
		r = digest_all(&c->trees, digest_tree, &digest);
	c->version = text_format("%016" PRIx64, digest);
	return r;
}

int cargo_gather(const struct configured *of, const struct sources *sources, bool shares,
		 struct cargo *ret)
{
	int r;

	*ret = (struct cargo){ .of = of, .sources = sources, .shares = shares };
	merged_read(sources, of->source, false, &ret->conf);
	mode_find(ret);
	r = gather(ret);
	return r == EXIT_DONE ? version_find(ret) : r;
}

void drop_cargo(struct cargo *c)
{
	for (size_t i = 0; i < c->moved_count; i++)
		free(c->moved[i].path);
	free(c->moved);
	drop_words(&c->files);
	drop_words(&c->trees);
	drop_words(&c->volume_ids);
	drop_words(&c->volumes);
	drop_merged(&c->conf);
	free(c->version);
}

static struct place place_of(const struct moved *m)
{
	const struct place *set = key_place(m->key, m->section);

	return set->file ? *set : m->section->place;
}

void cargo_conf(struct cargo *c, struct text *ret)
{
	OWNED(drop_str) char *files = deployed_files(c->of->source->name, c->version);
	char host[HOST_NAME_MAX + 1] = "";

	for (size_t i = 0; i < c->moved_count; i++) {
		const struct moved *m = &c->moved[i];
		OWNED(drop_str) char *path = text_format("%s%s", files, m->path);
		OWNED(drop_text) struct text value = { 0 };

		escape_specifiers(&value, path);
		merged_set(&c->conf, &(struct entry){ place_of(m), m->section->kind->name,
						      m->section->id, m->key->name, value.at });
	}
	(void)gethostname(host, sizeof(host) - 1);
	text_addf(ret,
		  "# Version %s, deployed from %s, whose files are named below. The next one "
		  "replaces this file;\n"
		  "# what is this host's own goes into a file in %s.conf.d, which stays.\n\n",
		  c->version, host, c->of->source->name);
	merged_text(&c->conf, &(struct merged_style){ "", "", "" }, ret);
}
