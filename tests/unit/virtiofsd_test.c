/* SPDX-License-Identifier: MIT */
/* Which virtiofsd it is, and that each gets its own words for the same share. */
#include "common/owned.h"
#include "common/text.h"
#include "config/arguments.h"
#include "helpers/virtiofsd.h"
#include "result.h"

static const struct {
	const char *version;
	enum virtiofsd_kind kind;
} versions[] = {
	{ "virtiofsd version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright", VIRTIOFSD_C },
	{ "virtiofsd version 2.10.0\n", VIRTIOFSD_C },
	{ "virtiofsd 1.13.2\n", VIRTIOFSD_RUST },
	{ "virtiofsd 1.14.0", VIRTIOFSD_RUST },
	{ "virtiofsd backend 0.9.0\n", VIRTIOFSD_RUST },
	{ "", VIRTIOFSD_UNKNOWN },
	{ "virtiofsd", VIRTIOFSD_UNKNOWN },
	{ "virtiofsd version unknown", VIRTIOFSD_UNKNOWN },
	{ "QEMU emulator version 7.2.22", VIRTIOFSD_UNKNOWN },
	{ "true (GNU coreutils) 9.1", VIRTIOFSD_UNKNOWN },
};

static char *joined(const struct words *w)
{
	struct text t = { 0 };

	text_add(&t, "");
	for (size_t i = 0; i < w->count; i++)
		text_addf(&t, "%s%s", i ? " " : "", w->at[i]);
	return t.at;
}

static void check_command(enum virtiofsd_kind kind, const char **words, const char *want)
{
	OWNED(drop_problems) struct problems problems = { 0 };
	OWNED(drop_words) struct words argv = { 0 };
	OWNED(drop_str) char *have = NULL;
	OWNED(drop_microvm) struct microvm vm;

	microvm_init(&vm, "web");
	ok(arguments_read(&vm, (char **)words, &problems) == 0, "words are read");
	virtiofsd_command(kind, &vm, (struct share *)vm.shares.at[0], "/proc/self/fd/4/.", 8, &argv);
	have = joined(&argv);
	equal(want, have, want);
}

static void check_lack(enum virtiofsd_kind kind, const char *word, const char *want)
{
	const char *words[] = { "share.a.source=/srv", word, NULL };
	OWNED(drop_problems) struct problems problems = { 0 };
	OWNED(drop_microvm) struct microvm vm;

	microvm_init(&vm, "web");
	ok(arguments_read(&vm, (char **)words, &problems) == 0, word);
	equal(want, virtiofsd_lacks(kind, &vm, (struct share *)vm.shares.at[0]), word);
}

int main(void)
{
	const char *plain[] = { "share.a.source=/srv", NULL };
	const char *full[] = { "share.a.source=/srv", "share.a.readOnly=yes", "share.a.cache=never",
			 "share.a.posixAcl=no", "share.a.extraArgs=-d", "virtiofsd.threadPoolSize=3",
			 "virtiofsd.extraArgs=--x", "virtiofsd.inodeFileHandles=prefer", NULL };

	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++)
		ok(virtiofsd_kind_of(versions[i].version) == versions[i].kind, versions[i].version[0] ?
			   "a version" : "no version");
	check_command(VIRTIOFSD_C, plain,
		      "--fd=3 --rlimit-nofile=0 --thread-pool-size=8 "
		      "-o source=/proc/self/fd/4/.,sandbox=chroot,announce_submounts,cache=auto "
		      "-o xattr,posix_acl");
	check_command(VIRTIOFSD_RUST, plain,
		      "--fd=3 --rlimit-nofile=0 --thread-pool-size=8 --shared-dir=/proc/self/fd/4/. "
		      "--sandbox=chroot --cache=auto --inode-file-handles=never --posix-acl");
	check_command(VIRTIOFSD_RUST, full,
		      "--fd=3 --rlimit-nofile=0 --thread-pool-size=3 --shared-dir=/proc/self/fd/4/. "
		      "--sandbox=chroot --cache=never --inode-file-handles=prefer --xattr --readonly "
		      "--x -d");
	check_lack(VIRTIOFSD_C, "share.a.cache=metadata", "cache=metadata");
	check_lack(VIRTIOFSD_C, "virtiofsd.inodeFileHandles=mandatory", "inodeFileHandles");
	check_lack(VIRTIOFSD_RUST, "share.a.cache=metadata", NULL);
	return finish();
}
