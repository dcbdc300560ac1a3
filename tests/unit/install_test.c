/* SPDX-License-Identifier: MIT */
/* install-microvm as it is installed, with real file systems: what it makes, keeps and refuses. Its
 * user is whom a folder belongs to, so that any UID will do here. */
#include "common/owned.h"
#include "common/text.h"
#include "scratch.h"

#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

#define STATE SCRATCH "/vms/web"
#define MOST_WORDS 16

static char program[PATH_MAX];

/* The build tree's, beside this test's folder, unless $INSTALL_MICROVM says another. */
static void find_program(void)
{
	const char *given = getenv("INSTALL_MICROVM");
	char self[PATH_MAX] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		self[0] = '\0';
	if (given)
		(void)snprintf(program, sizeof(program), "%s", given);
	else
		(void)snprintf(program, sizeof(program), "%.3000s/../../helpers/install-microvm",
			       dirname(self));
	if (access(program, X_OK) == 0)
		return;
	printf("Bail out! no %s\n", program);
	exit(1);
}

static void user_is(unsigned uid)
{
	sh("mkdir -p run/web && chown %u:%u run/web", uid, uid);
}

static void fresh(void)
{
	sh("umount small 2>/dev/null; rm -rf vms run out small bin; mkdir -m 755 vms out small "
	   "bin");
	user_is(62001);
}

/* Starts it for the MicroVM "web"; its messages go to the file "messages". */
static pid_t start(const char *const *words)
{
	char *argv[MOST_WORDS + 3] = { program, (char[]){ "web" } };
	pid_t pid = fork();

	if (pid == 0) {
		int fd = open("messages", O_WRONLY | O_CREAT | O_TRUNC, 0600);

		for (size_t i = 0; words[i] && i < MOST_WORDS; i++)
			argv[i + 2] = text_copy(words[i]);
		(void)setenv("RUNTIME_DIRECTORY", SCRATCH "/run/web", 1);
		(void)dup2(fd, STDERR_FILENO);
		(void)execv(program, argv);
		_exit(127);
	}
	return pid;
}

static int end_of(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define begin(...) start((const char *[]){ "microvm.stateDir=" STATE, ##__VA_ARGS__, NULL })
#define run(...) end_of(begin(__VA_ARGS__))

static bool said(const char *text)
{
	OWNED(drop_file) FILE *f = fopen("messages", "re");
	char all[65536];
	size_t n = f ? fread(all, 1, sizeof(all) - 1, f) : 0;

	all[n] = '\0';
	if (strstr(all, text))
		return true;
	printf("# no '%s' in: %s\n", text, all);
	return false;
}

static bool silent(void)
{
	return holds("test ! -s messages || { sed 's/^/# /' messages; false; }");
}

/* Nothing but whole images, wherever one could be. */
static bool no_drafts(void)
{
	return !holds("find vms out small -name '*.microvm-new' | grep .");
}

static bool is(const char *path, const char *facts)
{
	return holds("test \"$(stat -c '%%u:%%g %%a %%s' %s)\" = '%s' || { stat -c '# %%u:%%g %%a "
		     "%%s' %s; "
		     "false; }",
		     path, facts, path);
}

/* ---- state folder ---- */

static void makes_state_folder(void)
{
	fresh();
	ok(run() == 0 && silent() &&
		   holds("test \"$(stat -c '%%u:%%g %%a' " STATE ")\" = '62001:62001 700'"),
	   "a state folder is made");
	ok(run() == 0 && silent(), "and kept");
	ok(run("microvm.stateDir=" SCRATCH "/vms/a ,b\\ %i $c;") == 0 &&
		   holds("test -d 'vms/a ,b\\ %%i $c;'"),
	   "its name may hold anything");
	ok(run("microvm.stateDir=" SCRATCH "/nowhere/web") == 1 &&
		   said("the folder that it lies in"),
	   "a state folder in a folder that does not exist");
	sh("echo >vms/file");
	ok(run("microvm.stateDir=" SCRATCH "/vms/file") == 1 && said("is not a folder"),
	   "a file instead");
}

static void follows_user(void)
{
	fresh();
	(void)run("volume.data.size=8M");
	sh("mkdir -p vms/web/sub/mount vms/web/other && echo | tee vms/web/sub/f vms/web/root "
	   "vms/web/bob out/f "
	   ">/dev/null && ln -s ../../out/f vms/web/link && ln vms/web/sub/f out/hard && "
	   "chown -hR 62001:62001 vms/web/sub vms/web/link && chown 1002 vms/web/bob vms/web/other "
	   "&& "
	   "mount -t tmpfs -o uid=62001 tmpfs vms/web/sub/mount && touch vms/web/other/mine "
	   "vms/web/bind && "
	   "chown 62001 vms/web/other/mine out/f && mount --bind out/f vms/web/bind");
	user_is(62345);
	ok(run("volume.data.size=8M") == 0 && said("what was UID 62001's in it is UID 62345's now"),
	   "a user with another UID");
	ok(is("vms/web/data.img", "62345:62345 600 8388608") &&
		   holds("test \"$(stat -c %%u:%%g vms/web vms/web/sub vms/web/sub/f vms/web/link "
			 "| uniq)\" = "
			 "62345:62345"),
	   "finds what is its own");
	ok(holds("test \"$(stat -c %%u vms/web/other/mine)\" = 62345"), "in anybody's folder");
	ok(holds("test \"$(stat -c %%u vms/web/root vms/web/bob vms/web/other | xargs)\" = '0 1002 "
		 "1002'"),
	   "others keep what is theirs");
	ok(holds("test \"$(stat -c %%u vms/web/sub/mount vms/web/bind out/f | uniq)\" = 62001"),
	   "what is mounted there, and what a link points at, stays as it was");
	ok(run("volume.data.size=8M") == 0 && silent(), "once is enough");
	sh("umount vms/web/sub/mount vms/web/bind");
}

static void takes_no_folder(void)
{
	fresh();
	sh("mkdir vms/web && chown 1000 vms/web");
	ok(run() == 1 && said("belongs to UID 1000 and not to the MicroVM"),
	   "a real user's folder");
	sh("chown 0 vms/web; touch vms/web/file");
	ok(run() == 1 && said("belongs to root and is not empty"),
	   "root's folder with something in it");
	sh("rm vms/web/file");
	ok(run() == 0 && holds("test \"$(stat -c %%u vms/web)\" = 62001"),
	   "root's empty folder is taken");
	sh("rmdir vms/web; mkdir out/real; ln -s ../out/real vms/web");
	ok(run() == 0 && holds("test \"$(stat -c %%u out/real)\" = 62001"),
	   "where root's link leads");
	sh("chown 62001 vms; chown -h 62001 vms/web");
	ok(run() == 1 && said("on the way is a link"), "where somebody's link leads");
}

/* ---- images that are made ---- */

static void makes_file_system(const char *type, const char *size)
{
	OWNED(drop_str) char *size_word = text_format("volume.data.size=%s", size);
	OWNED(drop_str) char *type_word = text_format("volume.data.fsType=%s", type);
	OWNED(drop_str) char *name = text_format("%s is made", type);
	OWNED(drop_str) char *kept = text_format("%s is kept as it is", type);

	fresh();
	ok(run(size_word, type_word, "volume.data.label=HELLO") == 0 && said("data.img: made, ") &&
		   holds("test \"$(blkid -p -s TYPE -s LABEL -o value vms/web/data.img | sort | "
			 "xargs)\" = "
			 "'HELLO %s'",
			 type) &&
		   no_drafts(),
	   name);
	sh("sha256sum vms/web/data.img >sum; stat -c '%%i %%Z.%%z' vms/web/data.img >before");
	ok(run(size_word, type_word) == 0 && silent() && holds("sha256sum --status -c sum") &&
		   holds("stat -c '%%i %%Z.%%z' vms/web/data.img | cmp -s - before"),
	   kept);
}

static void makes_others(void)
{
	fresh();
	ok(run("volume.data.size=8M") == 0 && is("vms/web/data.img", "62001:62001 600 8388608"),
	   "ext4 where nothing is said, for the user alone");
	ok(run("volume.n.size=8M", "volume.n.fsType=none") == 0 &&
		   is("vms/web/n.img", "62001:62001 600 8388608") &&
		   holds("cmp -s -n 8388608 vms/web/n.img /dev/zero"),
	   "none is zeros");
	ok(run("volume.x.size=8M", "volume.x.mkfsExtraArgs=-m", "volume.x.mkfsExtraArgs=0",
	       "volume.x.mkfsExtraArgs=-U",
	       "volume.x.mkfsExtraArgs=aaaaaaaa-0000-4000-8000-000000000000") == 0 &&
		   holds("blkid -p -s UUID vms/web/x.img | grep -q aaaaaaaa"),
	   "mkfsExtraArgs");
	ok(run("volume.q.size=8M", "volume.q.imageType=qcow2") == 0 &&
		   holds("qemu-img info vms/web/q.img | grep -q 'format: qcow2'") &&
		   holds("qemu-img info vms/web/q.img | grep -q '(8388608 bytes)'"),
	   "qcow2");
	ok(run("volume.q.size=8M", "volume.q.imageType=qcow2") == 0 && silent(), "qcow2 is kept");
	ok(run("volume.v.size=8M", "volume.v.imageType=vhd", "volume.w.size=8M",
	       "volume.w.imageType=vhdx") == 0 &&
		   holds("tail -c 512 vms/web/v.img | grep -q conectix") &&
		   holds("head -c 8 vms/web/w.img | grep -q vhdxfile"),
	   "vhd and vhdx");
	ok(run("volume.y.size=8M", "volume.y.imageType=qcow2", "volume.y.fsType=ext4") == 6 &&
		   said("a file system is only made in a raw image") &&
		   !holds("test -e vms/web/y.img"),
	   "no file system in qcow2");
	ok(run("volume.y.autoCreate=no", "volume.y.size=8M") == 1 && said("autoCreate = no"),
	   "autoCreate = no");
	ok(run("volume.y") == 6 && said("set size"), "no size");
	ok(run("volume.y.image=" SCRATCH "/out/sub/y.img", "volume.y.size=8M") == 1 &&
		   said("the folder that it lies in"),
	   "no folder");
	ok(run("volume.y.image=sub/deep/y.img", "volume.y.size=8M") == 0 &&
		   is("vms/web/sub/deep/y.img", "62001:62001 600 8388608") &&
		   holds("test \"$(stat -c '%%u:%%g %%a' vms/web/sub/deep)\" = '62001:62001 700'"),
	   "a folder below the state folder is made");
	ok(run("volume.a", "volume.b.autoCreate=no", "volume.c.size=8M") == 6 &&
		   said("volume a:") && said("volume b:") && holds("test -e vms/web/c.img"),
	   "one that fails does not hide others");
	ok(run("volume.a.image=LABEL=a b", "volume.b.image=/dev/null") == 1 &&
		   said("/dev/disk/by-label/a\\x20b: no device of the host has that name") &&
		   said("volume b: /dev/null: is not a block device"),
	   "no devices");
}

static void leaves_nothing(void)
{
	fresh();
	sh("mount -t tmpfs -o size=2M tmpfs small && dd if=/dev/zero of=small/fill bs=1k "
	   "count=1900 2>/dev/null");
	ok(run("volume.data.size=400M", "volume.data.image=" SCRATCH "/small/data.img") == 1 &&
		   said("mkfs.ext4 failed") && said("No space left") &&
		   holds("test \"$(ls -A small)\" = fill"),
	   "a disk that is full");
	ok(run("volume.data.size=8M", "volume.data.mkfsExtraArgs=--no-such") == 1 &&
		   said("mkfs.ext4 failed with exit code") && !holds("ls -A vms/web | grep ."),
	   "a mkfs that fails");
	ok(run("volume.data.size=8M", "volume.data.mkfsExtraArgs=-O",
	       "volume.data.mkfsExtraArgs=^extent,^huge_file,^flex_bg,^metadata_csum,^64bit,^dir_"
	       "nlink,"
	       "^extra_isize") == 1 &&
		   said("mkfs.ext4 left ext3, not ext4") && !holds("ls -A vms/web | grep ."),
	   "a mkfs that makes something else");
	ok(run("volume.data.size=900000T") == 1 && said("cannot be made") && no_drafts(),
	   "too large");
}

static void says_what_is_missing(void)
{
	OWNED(drop_str) char *path = text_copy(getenv("PATH"));

	fresh();
	sh("for p in systemd-tmpfiles; do ln -s $(command -v $p) bin/$p; done");
	(void)setenv("PATH", SCRATCH "/bin", 1);
	ok(run("volume.a.size=8M", "volume.b.size=8M", "volume.b.fsType=xfs", "volume.c.size=8M",
	       "volume.c.fsType=btrfs", "volume.d.size=8M", "volume.d.fsType=vfat",
	       "volume.e.size=8M", "volume.e.imageType=qcow2") == 1,
	   "programs that are not installed");
	(void)setenv("PATH", path, 1);
	ok(said("mkfs.ext4 is not installed (Debian's package e2fsprogs") && said("xfsprogs") &&
		   said("btrfs-progs") && said("dosfstools") && said("qemu-utils"),
	   "are named");
	ok(!holds("ls -A vms/web | grep ."), "and nothing is left");
}

/* ---- images that exist ---- */

static void refuses_content(const char *make, const char *message, const char *name)
{
	fresh();
	sh("mkdir vms/web && truncate -s 8M vms/web/data.img && { %s; } && chown -R 62001:62001 "
	   "vms/web && "
	   "sha256sum vms/web/data.img >sum",
	   make);
	ok(run("volume.data.size=16M") == 1 && said(message) &&
		   holds("sha256sum --status -c sum") && no_drafts(),
	   name);
	ok(run("volume.data.fsType=none") == 0 && silent() && holds("sha256sum --status -c sum"),
	   "fsType = none asks nothing");
}

static void judges(void)
{
	refuses_content("mkfs.vfat vms/web/data.img >/dev/null", "holds vfat, not ext4",
			"another file system");
	refuses_content("mkfs.ext2 -q vms/web/data.img", "holds ext2, not ext4",
			"a like file system");
	refuses_content("mkswap -q vms/web/data.img", "holds swap, not ext4", "swap");
	refuses_content("printf "
			"'\\000\\000\\002\\000\\203\\000\\000\\000\\001\\000\\000\\000\\001\\000\\0"
			"00\\000' | "
			"dd of=vms/web/data.img bs=1 seek=446 conv=notrunc 2>/dev/null && printf "
			"'\\125\\252' | "
			"dd of=vms/web/data.img bs=1 seek=510 conv=notrunc 2>/dev/null",
			"holds a partition table (dos), not ext4", "a partition table");
	refuses_content("mkfs.ext4 -q vms/web/data.img && printf _BHRfS_M | dd of=vms/web/data.img "
			"bs=1 seek=65600 "
			"conv=notrunc 2>/dev/null",
			"holds the signatures of several things", "a mixture");
	refuses_content(
		"echo letters | dd of=vms/web/data.img bs=1 seek=7000000 conv=notrunc 2>/dev/null",
		"holds data that is not a file system", "data deep inside");
	refuses_content("true", "exists and is empty", "a hole");
	refuses_content("dd if=/dev/zero of=vms/web/data.img bs=1M count=8 2>/dev/null",
			"exists and is empty", "zeros");
	refuses_content("truncate -s 0 vms/web/data.img", "exists and is empty", "an empty file");
}

static void grows(void)
{
	fresh();
	(void)run("volume.data.size=8M");
	ok(run("volume.data.size=16M") == 0 && said("grown from 8388608 to 16777216") &&
		   is("vms/web/data.img", "62001:62001 600 16777216") &&
		   holds("e2fsck -fn vms/web/data.img >/dev/null 2>&1"),
	   "grown");
	ok(run("volume.data.size=4M") == 0 && said("stays as it is") &&
		   is("vms/web/data.img", "62001:62001 600 16777216"),
	   "never made shorter");
	ok(run("volume.data") == 0 && silent(), "no size, no change");
}

/* ---- images of others ---- */

static void grows_no_other(void)
{
	fresh();
	(void)run("volume.q.size=8M", "volume.q.imageType=qcow2", "volume.v.size=8M",
		  "volume.v.imageType=vhd");
	sh("sha256sum vms/web/* >sum");
	ok(run("volume.q.size=9M", "volume.q.imageType=qcow2") == 0 &&
		   said("q.img: holds a disk of 8388608 bytes, less than the size of 9437184"),
	   "a qcow2 image is not grown, and says so");
	ok(run("volume.v.size=9M", "volume.v.imageType=vhd") == 0 &&
		   said("v.img: holds a disk of 8388608 bytes"),
	   "neither is a VHD");
	ok(run("volume.q.size=7M", "volume.q.imageType=qcow2") == 0 && said("not made shorter"),
	   "a qcow2 image that is longer");
	ok(run("volume.q.size=8M", "volume.q.imageType=qcow2") == 0 && silent(),
	   "a qcow2 image that fits");
	ok(holds("sha256sum --quiet -c sum"), "nothing has changed in them");
}

/* ---- block devices ---- */

static char disk[64]; /* a loop device */

static void detach(void)
{
	if (*disk)
		(void)holds(
			"umount m 2>/dev/null; swapoff %s 2>/dev/null; delpart %s 1 2>/dev/null; "
			"losetup -d %s",
			disk, disk, disk);
	*disk = '\0';
}

static bool attach(const char *options)
{
	FILE *f;

	detach();
	sh("rm -f disk; truncate -s 32M disk; mkdir -p m");
	(void)snprintf(disk, sizeof(disk), "losetup %s -f --show disk 2>/dev/null", options);
	f = popen(disk, "r");
	*disk = '\0';
	if (f && fgets(disk, sizeof(disk), f))
		disk[strcspn(disk, "\n")] = '\0';
	if (f)
		(void)pclose(f);
	return *disk;
}

#define run_disk(...) run(text_format("volume.d.image=%s", disk), ##__VA_ARGS__)

static void gives_devices(void)
{
	sh("mkfs.ext4 -q %s && sha256sum disk >sum && chmod 660 %s", disk, disk);
	ok(run_disk("volume.d.size=32M") == 0 && silent() &&
		   holds("getfacl -cnpE %s | grep -qx user:62001:rw-", disk),
	   "a block device is opened to the user");
	ok(holds("RUNTIME_DIRECTORY=" SCRATCH "/run/web %s --release web && "
		 "test \"$(getfacl -cnpE %s | xargs)\" = 'user::rw- group::rw- other::---'",
		 program, disk),
	   "and taken back, without a look inside");
	ok(run_disk("volume.d.readOnly=yes") == 0 &&
		   holds("getfacl -cnpE %s | grep -qx user:62001:r--", disk),
	   "to read only");
	ok(run_disk("volume.d.size=33M") == 1 && said("a block device is never grown"),
	   "one that is smaller than the size");
	ok(run_disk("volume.d.fsType=xfs") == 1 && said("holds ext4, not xfs"),
	   "one with another file system");
	ok(holds("sha256sum --quiet -c sum"), "nothing was written to it");
}

static void refuses_used_devices(void)
{
	sh("mount %s m", disk);
	ok(run_disk() == 1 && said("is mounted at " SCRATCH "/m"), "one that is mounted");
	sh("umount m");
	if (holds("addpart %s 1 2048 16384 && mkfs.ext4 -q -F %sp1", disk, disk)) {
		sh("mount %sp1 m", disk);
		ok(run_disk("volume.d.fsType=none") == 1 && said("has a partition loop") &&
			   said("which is mounted at " SCRATCH "/m"),
		   "one with a partition that is mounted");
		sh("umount m; mkfs.ext4 -q -F %s; mount %s m", disk, disk);
		ok(run(text_format("volume.d.image=%sp1", disk), "volume.d.fsType=none") == 1 &&
			   said("is a partition of a disk that is mounted at"),
		   "a partition of one that is mounted");
		sh("umount m; delpart %s 1", disk);
	}
	if (holds("mkswap %s >/dev/null && swapon %s", disk, disk)) {
		ok(run_disk("volume.d.fsType=none") == 1 && said("is in use as swap"),
		   "one that is in use as swap");
		sh("swapoff %s", disk);
	}
	sh("wipefs -qa %s; dd if=/dev/zero of=%s bs=1M count=32 status=none", disk, disk);
	ok(run_disk() == 1 && said("run mkfs.ext4") && !holds("blkid -p %s", disk),
	   "an empty one is never formatted");
	ok(run_disk("volume.d.fsType=none") == 0, "one for whatever the guest makes of it");
}

static void devices(void)
{
	fresh();
	if (!attach(""))
		return;
	(void)atexit(detach);
	gives_devices();
	refuses_used_devices();
	if (!attach("-r"))
		return;
	ok(run_disk("volume.d.fsType=none") == 1 && said("set readOnly = yes"),
	   "one that can only be read");
	ok(run_disk("volume.d.fsType=none", "volume.d.readOnly=yes") == 0, "and is only read");
	sh("ln -s %s out/link", disk);
	ok(run("volume.d.image=" SCRATCH "/out/link", "volume.d.fsType=none") == 1 &&
		   said("write its path below /dev"),
	   "a link to one from elsewhere");
	detach();
}

static void elsewhere(void)
{
	fresh();
	ok(run("volume.o.size=8M", "volume.o.image=" SCRATCH "/out/o.img") == 0 &&
		   holds("test \"$(getfacl -cnpE out/o.img | xargs)\" = 'user::rw- user:62001:rw- "
			 "group::--- "
			 "mask::rw- other::---'") &&
		   is("out/o.img", "0:0 660 8388608"),
	   "made in root's folder: root's, and open to the user");
	sh("cp out/o.img vms/web/a.img; chown 0:0 vms/web/a.img; chmod 600 vms/web/a.img");
	ok(run("volume.a.readOnly=yes") == 0 && silent() &&
		   holds("getfacl -cnpE vms/web/a.img | grep -q user:62001:r--") &&
		   holds("test \"$(stat -c %%u vms/web/a.img)\" = 0"),
	   "the administrator's copy in the state folder");
	sh("RUNTIME_DIRECTORY=" SCRATCH "/run/web %s --release web", program);
	ok(!holds("getfacl -cn out/o.img vms/web/a.img | grep 62001") &&
		   holds("test \"$(ls -A run)\" = web"),
	   "released");
	sh("chmod 644 out/o.img");
	ok(run("volume.o.readOnly=yes", "volume.o.image=" SCRATCH "/out/o.img") == 0 &&
		   !holds("getfacl -cn out/o.img | grep 62001"),
	   "what all may read needs nothing");
}

static void planted(void)
{
	fresh();
	sh("mkdir vms/web && chown 62001:62001 vms/web && mkfs.ext4 -q out/secret 8M >/dev/null && "
	   "chmod 600 out/secret && "
	   "sha256sum out/secret >sum");
	sh("ln -s ../../out/secret vms/web/data.img && chown -h 62001 vms/web/data.img");
	ok(run("volume.data.size=16M") == 1 && said("on the way is a link"),
	   "a link in place of an image");
	sh("rm vms/web/data.img; ln -s ../../out vms/web/sub && chown -h 62001 vms/web/sub");
	ok(run("volume.data.size=16M", "volume.data.image=sub/new.img") == 1 &&
		   said("on the way is a link") && !holds("test -e out/new.img"),
	   "a link in place of a folder");
	sh("rm vms/web/sub; ln out/secret vms/web/data.img");
	ok(run("volume.data.size=16M") == 1 && said("hard links"), "a hard link to root's file");
	sh("rm vms/web/data.img; cp out/secret vms/web/data.img; chown 1002 vms/web/data.img");
	ok(run("volume.data.size=16M") == 1 &&
		   said("belongs to UID 1002, and lies in a folder of UID 62001"),
	   "a file that was brought from elsewhere");
	sh("rm vms/web/data.img; mkfifo vms/web/data.img");
	ok(run("volume.data.size=16M") == 1 && said("is not a regular file"), "a pipe");
	sh("rm vms/web/data.img; ln -s ../../out/secret vms/web/.data.img.microvm-new");
	ok(run("volume.data.size=16M") == 1 && said("cannot be made: .data.img.microvm-new"),
	   "a link in place of the draft");
	sh("rm vms/web/.*-new; echo bobs >vms/web/.data.img.microvm-new; chown 1002 "
	   "vms/web/.data.img.microvm-new");
	ok(run("volume.data.size=16M") == 1 && said("File exists") &&
		   holds("grep -q bobs vms/web/.*-new"),
	   "a draft that is not ours");
	ok(holds("sha256sum --status -c sum") && is("out/secret", "0:0 600 8388608") &&
		   !holds("getfacl -cn out/secret | grep 62001"),
	   "nothing of root's was touched");
}

/* ---- interrupted, and two at once ---- */

/* A mkfs that takes its time: until there is a file "go". */
static void slow_mkfs(void)
{
	sh("printf '#!/bin/sh\\ntouch " SCRATCH "/begun\\nwhile [ ! -e " SCRATCH
	   "/go ]; do sleep 0.02; done\\n"
	   "exec /sbin/mkfs.ext4 \"$@\"\\n' >bin/mkfs.ext4; chmod 755 bin/mkfs.ext4; rm -f begun "
	   "go");
}

static pid_t begin_slowly(void)
{
	pid_t pid = begin("volume.data.size=8M");

	sh("for i in $(seq 500); do test -e begun && exit 0; sleep 0.02; done; exit 1");
	return pid;
}

static void interrupted(void)
{
	pid_t pid;

	fresh();
	slow_mkfs();
	pid = begin_slowly();
	ok(holds("test -e vms/web/.data.img.microvm-new && test ! -e vms/web/data.img"),
	   "a draft while it is made");
	/* As a stop does: the program that it waits for gets the signal too. */
	sh("pkill -TERM -P %d; kill -TERM %d", pid, pid);
	ok(end_of(pid) == 1 && said("was ended by a signal") && !holds("ls -A vms/web | grep ."),
	   "a stop leaves nothing");
	sh("rm begun");
	pid = begin_slowly();
	sh("pkill -KILL -P %d >children; kill -KILL %d", pid, pid);
	(void)end_of(pid);
	sh("touch go");
	ok(run("volume.data.size=8M") == 0 && no_drafts() && holds("test -e vms/web/data.img"),
	   "what a crash leaves is removed by the next start");
}

static void two_at_once(void)
{
	pid_t one, two;

	fresh();
	slow_mkfs();
	one = begin_slowly();
	two = begin("volume.data.size=8M");
	sh("sleep 0.2; touch go");
	ok(end_of(one) == 0 && end_of(two) == 0 && no_drafts() &&
		   is("vms/web/data.img", "62001:62001 600 8388608") &&
		   holds("e2fsck -fn vms/web/data.img >/dev/null 2>&1"),
	   "two starts at once make one image");
}

static void called_wrongly(void)
{
	fresh();
	ok(run("volume.data.nonsense=1") == 2 && said("volume.data.nonsense=1"),
	   "a word that is unknown");
	sh("rmdir run/web");
	ok(run() == 2 && said("RUNTIME_DIRECTORY"), "nobody's folder");
	ok(holds("%s 2>/dev/null; test $? = 2", program), "no words");
	ok(holds("%s --not-configured web 2>messages; test $? = 6", program) && said("web.conf"),
	   "no configuration");
}

int main(void)
{
	OWNED(drop_str) char *path = text_format(SCRATCH "/bin:%s:/usr/sbin:/sbin", getenv("PATH"));

	find_program();
	enter_scratch();
	(void)setenv("PATH", path, 1);
	makes_state_folder();
	follows_user();
	takes_no_folder();
	makes_file_system("ext2", "8M");
	makes_file_system("ext3", "16M");
	makes_file_system("ext4", "16M");
	makes_file_system("xfs", "320M");
	makes_file_system("btrfs", "128M");
	makes_file_system("vfat", "8M");
	makes_others();
	leaves_nothing();
	says_what_is_missing();
	judges();
	grows();
	grows_no_other();
	devices();
	elsewhere();
	planted();
	interrupted();
	two_at_once();
	called_wrongly();
	return finish();
}
