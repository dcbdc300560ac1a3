/* SPDX-License-Identifier: MIT */
/* PCI devices on a sysfs of our own: what is read of them, and what the host would lose with them.
 */
#include "helpers/device-use.h"
#include "helpers/pci.h"
#include "helpers/sriov.h"
#include "helpers/usb.h"

#include "common/owned.h"
#include "config/device.h"
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

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
	"ln -s " SCRATCH "/sys/bus/pci/drivers/e1000e $D/0000:00:10.0/0000:01:00.0/driver;"
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
	OWNED(drop_str) char *path = pci_path(SCRATCH, uses[i].address, "");
	OWNED(drop_str) char *use = NULL;

	put("proc/net/route", uses[i].route);
	put("proc/self/mountinfo", uses[i].mounts);
	use = device_use(SCRATCH, path);
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

/* A driver that hangs: a write to a pipe that nobody reads waits for ever. */
static void unbind_hangs(void)
{
	static const char pipe[] = "sys/bus/pci/drivers/e1000e/unbind";
	OWNED(drop_pci) struct pci nic = { 0 };
	struct timespec began, ended;

	put("sys/bus/pci/devices/0000:01:00.0/driver_override", "");
	ok(mkfifo(pipe, 0600) == 0 && pci_look(SCRATCH, "0000:01:00.0", &nic) == 0, "a driver that hangs");
	(void)clock_gettime(CLOCK_MONOTONIC, &began);
	ok(pci_take(&nic, 300000) == -ETIMEDOUT, "is not waited for for ever");
	(void)clock_gettime(CLOCK_MONOTONIC, &ended);
	ok(ended.tv_sec - began.tv_sec < 10, "but as long as told");
	(void)close(open(pipe, O_RDONLY | O_NONBLOCK)); /* lets the writer go */
}

static void tells_functions(void)
{
	OWNED(drop_str) char *address = NULL;
	OWNED(drop_str) char *none = NULL;
	OWNED(drop_str) char *interface = NULL;
	unsigned have = 9, most = 9;

	ok(sriov_count(SCRATCH, "0000:01:00.0", &have, &most) == -EOPNOTSUPP, "a card without SR-IOV");
	ok(sriov_count(SCRATCH, "0000:09:00.0", &have, &most) == -ENODEV, "functions of no card");
	put("sys/bus/pci/devices/0000:01:00.0/sriov_totalvfs", "7");
	put("sys/bus/pci/devices/0000:01:00.0/sriov_numvfs", "0");
	put("sys/bus/pci/devices/0000:01:00.0/sriov_drivers_autoprobe", "1");
	ok(sriov_count(SCRATCH, "0000:01:00.0", &have, &most) == 0 && have == 0 && most == 7,
	   "functions that could be");
	ok(sriov_make(SCRATCH, "0000:01:00.0", 7, 1000000) == 0 &&
		   sriov_count(SCRATCH, "0000:01:00.0", &have, &most) == 0 && have == 7,
	   "functions that are made");
	ok(symlink("../0000:01:10.2", "sys/bus/pci/devices/0000:01:00.0/virtfn1") == 0, "a function");
	address = sriov_address(SCRATCH, "0000:01:00.0", 1);
	none = sriov_address(SCRATCH, "0000:01:00.0", 2);
	ok(address && strcmp(address, "0000:01:10.2") == 0 && !none, "has an address");
	interface = sriov_interface(SCRATCH, "0000:01:00.0");
	ok(interface && strcmp(interface, "eth0") == 0, "the parent's interface");
}

/* A stick with an interface that lost its driver, one of another make, and a host controller. */
static const char usb_stage[] =
	"U=sys/bus/usb/devices; mkdir -p $U/1-2 $U/1-2.4 $U/usb1 $U/1-2/1-2:1.0 $U/1-2/1-2:1.1/driver;"
	"u() { echo $2 >$U/$1/idVendor; echo $3 >$U/$1/idProduct; echo 1 >$U/$1/busnum; echo $4 "
	">$U/$1/devnum; }; u 1-2 46f4 0001 12; u 1-2.4 46f4 0002 13; u usb1 1d6b 0002 1";

static void tells_usb(void)
{
	OWNED(drop_words) struct words found = { 0 };
	OWNED(drop_words) struct words none = { 0 };
	OWNED(drop_str) char *node = NULL;
	OWNED(drop_file) FILE *probe = NULL;
	char line[32] = "";

	ok(usb_find(SCRATCH, "46f4:0001", &none) == 0 && none.count == 0, "a host without USB");
	if (system(usb_stage) != 0)
		exit(1);
	put("sys/bus/usb/drivers_probe", "");
	ok(usb_find(SCRATCH, "46f4:0001", &found) == 0 && found.count == 1 &&
		   strcmp(found.at[0], "1-2") == 0,
	   "a USB device by its identity");
	node = usb_node(SCRATCH, "1-2");
	ok(node && strcmp(node, SCRATCH "/dev/bus/usb/001/012") == 0, "its node");
	usb_give_back(SCRATCH, "1-2", 1000000);
	probe = fopen("sys/bus/usb/drivers_probe", "re");
	ok(probe && fgets(line, sizeof(line), probe) && strncmp(line, "1-2:1.0", 7) == 0,
	   "a driver is looked for, for the interface that has none");
}

static const struct {
	const char *path, *identity;
} identities[] = {
	{ "vendorid=0x046d,productid=0xc52b", "046d:c52b" },
	{ "vendorid=0x46D,productid=0xC52B", "046d:c52b" },
	{ "vendorid=0x1,productid=0x0", "0001:0000" },
	{ "vendorid=0x12345,productid=0x1", NULL },
	{ "vendorid=1133,productid=0x1", NULL },
	{ "vendorid=0x,productid=0x1", NULL },
	{ "vendorid=0x1", NULL },
	{ "productid=0x1,vendorid=0x1", NULL },
	{ "vendorid=0x1,productid=0x1,hostbus=1", NULL },
	{ "", NULL },
};

static void reads_identity(size_t i)
{
	struct usb_identity have;
	bool r = usb_identity_read(identities[i].path, &have);

	ok(identities[i].identity ? r && strcmp(have.text, identities[i].identity) == 0 : !r,
	   identities[i].path);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(identities) / sizeof(*identities); i++)
		reads_identity(i);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++)
		ok(pci_address_fits(addresses[i].address) == addresses[i].fits,
		   addresses[i].address);
	enter_scratch();
	if (system(stage) != 0)
		return 1;
	looks();
	for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++)
		tells_use(i);
	unbind_hangs();
	tells_functions();
	tells_usb();
	return finish();
}
