/* SPDX-License-Identifier: MIT */
/* PCI devices on a sysfs of our own: what is read of them, and what the host would lose with them.
 */
#include "helpers/pci-use.h"
#include "helpers/pci.h"

#include "common/owned.h"
#include "config/device.h"
#include "scratch.h"

#include <errno.h>

/* A NIC with a bridge above it, a disk with a partition and LVM on that, and a PCI bridge. */
static const char stage[] =
	"D=sys/devices/pci0000:00; B=sys/bus/pci/devices;"
	"mkdir -p $D/0000:00:10.0/0000:01:00.0/net/eth0 "
	"$D/0000:00:04.0/nvme/nvme0/nvme0n1/nvme0n1p1 $D/0000:00:05.0;"
	"mkdir -p $B sys/bus/pci/drivers/e1000e sys/class/net sys/dev/block proc/net proc/self;"
	"mkdir -p sys/devices/virtual/net/br0 sys/devices/virtual/block/dm-0/slaves "
	"sys/kernel/iommu_groups/7/devices;"
	"mkdir -p sys/kernel/iommu_groups/8;"
	"p() { d=$D/$1; b=${1##*/}; echo 0x$2 >$d/vendor; echo 0x$3 >$d/device; echo 0x$4 "
	">$d/class; ln -s ../../../../$d $B/$b; };"
	"p 0000:00:10.0 1b36 000c 060400; p 0000:00:10.0/0000:01:00.0 8086 10d3 020000;"
	"p 0000:00:04.0 1b36 0010 010802; p 0000:00:05.0 1234 11e8 00ff00;"
	"ln -s /sys/bus/pci/drivers/e1000e $D/0000:00:10.0/0000:01:00.0/driver;"
	"ln -s ../../../kernel/iommu_groups/7 $D/0000:00:10.0/0000:01:00.0/iommu_group;"
	"touch sys/kernel/iommu_groups/7/devices/0000:01:00.0;"
	"ln -s ../../../$D/0000:00:10.0/0000:01:00.0/net/eth0 sys/class/net/eth0;"
	"ln -s ../../devices/virtual/net/br0 sys/class/net/br0;"
	"ln -s ../../../pci0000:00/0000:00:10.0/0000:01:00.0/net/eth0 "
	"sys/devices/virtual/net/br0/lower_eth0;"
	"ln -s ../../../$D/0000:00:04.0/nvme/nvme0/nvme0n1/nvme0n1p1 sys/dev/block/259:1;"
	"ln -s ../../devices/virtual/block/dm-0 sys/dev/block/254:0;"
	"ln -s ../../../../pci0000:00/0000:00:04.0/nvme/nvme0/nvme0n1/nvme0n1p1 "
	"sys/devices/virtual/block/dm-0/slaves/x;";

static const struct {
	const char *name, *route, *mounts;
	const char *address, *use;
} uses[] = {
	{ "nothing is in use", "", "", "0000:00:04.0", NULL },
	{ "a route of the NIC's own", "eth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0", "",
	  "0000:01:00.0", "the default route (eth0)" },
	{ "a route through a bridge", "br0 00000000 010200C0 0003 0 0 0 00000000 0 0 0", "",
	  "0000:01:00.0", "the default route (br0)" },
	{ "a route that is not the default", "eth0 0000A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0", "",
	  "0000:01:00.0", NULL },
	{ "another device's route", "eth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0", "",
	  "0000:00:04.0", NULL },
	{ "a partition that is mounted", "", "36 35 259:1 / /boot rw - ext4 /dev/x rw",
	  "0000:00:04.0", "the file system on /boot" },
	{ "LVM on a partition", "", "36 35 254:0 / / rw - ext4 /dev/x rw", "0000:00:04.0",
	  "the file system on /" },
	{ "a file system without a disk", "", "36 35 0:22 / /sys rw - sysfs sysfs rw",
	  "0000:00:04.0", NULL },
};

static const struct {
	const char *address;
	bool fits;
} addresses[] = {
	{ "0000:01:00.0", true },   { "10000:e1:1f.7", true },
	{ "01:00.0", false },	    { "0000:01:00.8", false },
	{ "0000:01:20.0", false },  { "0000:0A:00.0", false },
	{ "0000:01:00.0 ", false }, { "", false },
	{ "0000:01:00", false },    { "../../../x", false },
};

static void put(const char *path, const char *line)
{
	FILE *f = fopen(path, "we");

	if (!f || fprintf(f, "%s\n", line) < 0 || fclose(f) != 0)
		exit(1);
}

static void tells_use(size_t i)
{
	OWNED(drop_str) char *use = NULL;

	put("proc/net/route", uses[i].route);
	put("proc/self/mountinfo", uses[i].mounts);
	use = pci_use(SCRATCH, uses[i].address);
	ok(uses[i].use ? use && strcmp(use, uses[i].use) == 0 : !use, uses[i].name);
}

static void looks(void)
{
	OWNED(drop_pci) struct pci nic = { 0 };
	OWNED(drop_pci) struct pci bridge = { 0 };
	OWNED(drop_pci) struct pci none = { 0 };
	OWNED(drop_words) struct words members = { 0 };

	ok(pci_look(SCRATCH, "0000:01:00.0", &nic) == 0 && strcmp(nic.id, "8086:10d3") == 0 &&
		   !nic.bridge,
	   "a card's identity");
	ok(nic.driver && strcmp(nic.driver, "e1000e") == 0 && nic.group &&
		   strcmp(nic.group, "7") == 0,
	   "its driver and group");
	ok(pci_group(SCRATCH, "7", &members) == 0 && members.count == 1, "who is in the group");
	ok(pci_look(SCRATCH, "0000:00:10.0", &bridge) == 0 && bridge.bridge && !bridge.driver &&
		   !bridge.group,
	   "a bridge, without a driver and a group");
	ok(pci_look(SCRATCH, "0000:09:00.0", &none) == -ENODEV, "no card");
}

int main(void)
{
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++)
		ok(pci_address_fits(addresses[i].address) == addresses[i].fits,
		   addresses[i].address);
	enter_scratch();
	if (system(stage) != 0)
		return 1;
	looks();
	for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++)
		tells_use(i);
	return finish();
}
