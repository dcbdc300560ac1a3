/* SPDX-License-Identifier: MIT */
/* What the host does with block devices, told from files as sysfs and proc have them, and who may
 * have a real one at the same time. */
#include "common/block.h"
#include "helpers/hold.h"

#include "common/owned.h"
#include "common/text.h"
#include "scratch.h"

#include <errno.h>
#include <sys/sysmacros.h>

#define ROOT SCRATCH "/root"
#define SYS ROOT "/sys/dev/block"

static const char *const mounts =
	"21 1 8:2 / / rw,relatime shared:1 - ext4 /dev/none rw\n"
	"40 21 0:35 /sub /srv/b\\040c rw shared:9 master:2 - btrfs /dev/w9-node rw\n"
	"41 21 0:36 / /proc rw - proc proc rw\n"
	"nonsense\n";

static void stage(void)
{
	sh("mkdir -p " ROOT "/proc/self " ROOT "/sys/devices/sda/sda1/holders/dm-0/dm " ROOT
	   "/sys/devices/sda/sda2/holders " ROOT "/sys/devices/sda/holders " ROOT
	   "/sys/devices/sdb/holders/md0 " ROOT "/sys/devices/sdc/holders " SYS);
	sh("cd " ROOT "/sys/devices && echo 1 >sda/sda1/partition && echo 2 >sda/sda2/partition && "
	   "echo 8:0 >sda/dev && echo 8:1 >sda/sda1/dev && echo 8:2 >sda/sda2/dev && "
	   "echo vg-data >sda/sda1/holders/dm-0/dm/name && echo 4096 >sda/size && "
	   "ln -s ../../devices/sda " SYS "/8:0 && ln -s ../../devices/sda/sda1 " SYS "/8:1 && "
	   "ln -s ../../devices/sda/sda2 " SYS "/8:2 && ln -s ../../devices/sdb " SYS "/8:16 && "
	   "ln -s ../../devices/sdc " SYS "/8:32");
	sh("printf '%%s' '%s' >" ROOT "/proc/self/mountinfo", mounts);
	sh("printf 'Filename Type\n/dev/w9-swap partition 1 0 -2\n' >" ROOT "/proc/swaps");
}

static void use_is(unsigned number, const char *expected)
{
	OWNED(drop_str) char *use = block_use(ROOT, makedev(8, number));
	bool good = expected ? use && strcmp(use, expected) == 0 : !use;

	if (!good)
		printf("# 8:%u: %s\n", number, use ? use : "nothing");
	ok(good, expected ? expected : "nothing");
}

static void uses(void)
{
	stage();
	use_is(2, "is mounted at /");
	use_is(1, "is part of dm-0 (vg-data)");
	use_is(16, "is part of md0");
	use_is(32, NULL);
	use_is(99, NULL);
	sh("rm -r " ROOT "/sys/devices/sda/sda1/holders/dm-0");
	use_is(0, "has a partition sda2, which is mounted at /");
	sh("sed -i s/8:2/8:0/ " ROOT "/proc/self/mountinfo");
	use_is(0, "is mounted at /");
	use_is(1, "is a partition of a disk that is mounted at /");
	ok(block_size(ROOT, makedev(8, 0)) == 4096 * 512, "size");
	ok(block_size(ROOT, makedev(8, 99)) == 0, "no size");
}

/* Nodes have to be below /dev, which is the machine's: one in memory stands over it meanwhile. */
static void nodes(void)
{
	if (!holds("mount -t tmpfs tmpfs /dev && mknod /dev/w9-node b 8 16 && mknod /dev/w9-swap b "
		   "8 32"))
		return;
	use_is(16, "is mounted at /srv/b\\040c");
	use_is(32, "is in use as swap");
	sh("umount /dev");
}

static char loop[64];

static void detach(void)
{
	(void)holds("losetup -d %s", loop);
}

static bool attach(void)
{
	FILE *f;

	sh("truncate -s 8M disk");
	f = popen("losetup -f --show disk 2>/dev/null", "r");
	if (f && fgets(loop, sizeof(loop), f))
		loop[strcspn(loop, "\n")] = '\0';
	if (f)
		(void)pclose(f);
	return *loop && atexit(detach) == 0;
}

static int together(bool first, bool second)
{
	OWNED(drop_holds) struct holds a = { 0 };
	OWNED(drop_holds) struct holds b = { 0 };
	int r = hold_device(&a, loop, first);

	return r == 0 ? hold_device(&b, loop, second) : r;
}

static void holders(void)
{
	OWNED(drop_holds) struct holds a = { 0 };

	ok(together(true, true) == -EWOULDBLOCK, "one writer at a time");
	ok(together(true, false) == -EWOULDBLOCK, "no reader beside a writer");
	ok(together(false, true) == -EWOULDBLOCK, "no writer beside a reader");
	ok(together(false, false) == 0, "two readers");
	ok(hold_device(&a, loop, true) == 0, "all of them are gone");
	ok(holds("flock -s -n %s true", loop), "udev can look at it");
	sh("mkdir -p m");
	ok(!holds("mkfs.ext2 -q disk && mount %s m 2>/dev/null", loop), "it cannot be mounted");
}

int main(void)
{
	enter_scratch();
	uses();
	nodes();
	if (attach())
		holders();
	return finish();
}
