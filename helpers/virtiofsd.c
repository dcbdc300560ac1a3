/* SPDX-License-Identifier: MIT */
#include "virtiofsd.h"

#include <ctype.h>
#include <string.h>

static const char *behind(const char *text, const char *start)
{
	size_t n = strlen(start);

	return strncmp(text, start, n) == 0 ? text + n : "";
}

enum virtiofsd_kind virtiofsd_kind_of(const char *version)
{
	if (isdigit((unsigned char)*behind(version, "virtiofsd version ")))
		return VIRTIOFSD_C;
	/* Before 1.0 it called itself a backend. */
	if (isdigit((unsigned char)*behind(version, "virtiofsd ")) ||
	    isdigit((unsigned char)*behind(version, "virtiofsd backend ")))
		return VIRTIOFSD_RUST;
	return VIRTIOFSD_UNKNOWN;
}

const char *virtiofsd_lacks(enum virtiofsd_kind kind, const struct microvm *vm,
			    const struct share *share)
{
	if (kind == VIRTIOFSD_C && share->cache == CACHE_METADATA)
		return "cache=metadata";
	if (kind == VIRTIOFSD_C && vm->virtiofsd.inode_file_handles != HANDLES_NEVER)
		return "inodeFileHandles";
	return NULL;
}

static void add_c(const struct share *share, const char *path, struct words *argv)
{
	static const char *const caches[SHARE_CACHES] = { "auto", "always", "none", "auto" };

	/* Without a source it would share all of the host. */
	words_add(argv, "-o");
	words_addf(argv, "source=%s,sandbox=chroot,announce_submounts,cache=%s", path,
		   caches[share->cache]);
	words_add(argv, "-o");
	words_add(argv, share->posix_acl ? "xattr,posix_acl" : "xattr");
}

static void add_rust(const struct virtiofsd *settings, const struct share *share, const char *path,
		     struct words *argv)
{
	static const char *const caches[SHARE_CACHES] = { "auto", "always", "never", "metadata" };
	static const char *const handles[FILE_HANDLES] = { "never", "prefer", "mandatory" };

	words_addf(argv, "--shared-dir=%s", path);
	words_add(argv, "--sandbox=chroot");
	words_addf(argv, "--cache=%s", caches[share->cache]);
	words_addf(argv, "--inode-file-handles=%s", handles[settings->inode_file_handles]);
	words_add(argv, share->posix_acl ? "--posix-acl" : "--xattr");
	if (share->read_only)
		words_add(argv, "--readonly");
}

void virtiofsd_command(enum virtiofsd_kind kind, const struct microvm *vm, const struct share *share,
		       const char *path, unsigned cpus, struct words *argv)
{
	const char *threads = vm->virtiofsd.thread_pool_size;

	words_add(argv, "--fd=3");
	words_add(argv, "--rlimit-nofile=0"); /* as the unit has it */
	if (!threads || strcmp(threads, "nproc") == 0)
		words_addf(argv, "--thread-pool-size=%u", cpus);
	else
		words_addf(argv, "--thread-pool-size=%s", threads);
	if (kind == VIRTIOFSD_C)
		add_c(share, path, argv);
	else
		add_rust(&vm->virtiofsd, share, path, argv);
	words_add_all(argv, &vm->virtiofsd.extra_args);
	words_add_all(argv, &share->extra_args);
}
