/* SPDX-License-Identifier: MIT */
#include "pci.h"

#include "sysfs.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

char *pci_path(const char *root, const char *address, const char *attribute)
{
	return text_format("%s/sys/bus/pci/devices/%s%s%s", root, address, *attribute ? "/" : "",
			   attribute);
}

static int read_attribute(const struct pci *p, const char *attribute, char **ret)
{
	OWNED(drop_str) char *path = pci_path(p->root, p->address, attribute);

	return sysfs_read(path, ret);
}

/* Of "0x8086" the digits. */
static const char *digits(const char *hex)
{
	return strncmp(hex, "0x", 2) == 0 ? hex + 2 : hex;
}

static int look_driver(struct pci *p)
{
	OWNED(drop_str) char *path = pci_path(p->root, p->address, "driver");
	char *driver = NULL;
	int r = sysfs_link(path, &driver);

	drop_str(&p->driver);
	p->driver = driver;
	return r == -ENOENT ? 0 : r;
}

static int look_group(struct pci *p)
{
	OWNED(drop_str) char *path = pci_path(p->root, p->address, "iommu_group");
	int r = sysfs_link(path, &p->group);

	return r == -ENOENT ? 0 : r;
}

static int look(struct pci *p)
{
	OWNED(drop_str) char *vendor = NULL;
	OWNED(drop_str) char *device = NULL;
	OWNED(drop_str) char *class = NULL;
	int r = read_attribute(p, "vendor", &vendor);

	if (r == 0)
		r = read_attribute(p, "device", &device);
	if (r == 0)
		r = read_attribute(p, "class", &class);
	if (r < 0)
		return r == -ENOENT ? -ENODEV : r;
	p->id = text_format("%s:%s", digits(vendor), digits(device));
	p->bridge = strncmp(digits(class), "0604", 4) == 0;
	r = look_driver(p);
	return r < 0 ? r : look_group(p);
}

int pci_look(const char *root, const char *address, struct pci *ret)
{
	OWNED(drop_pci) struct pci p = { .root = root, .address = text_copy(address) };
	int r = look(&p);

	if (r < 0)
		return r;
	*ret = p;
	p = (struct pci){ 0 };
	return 0;
}

void drop_pci(struct pci *p)
{
	free(p->address);
	free(p->id);
	free(p->driver);
	free(p->group);
}

uint64_t pci_object(const char *root, const char *address)
{
	OWNED(drop_str) char *path = pci_path(root, address, "");
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

int pci_group(const char *root, const char *group, struct words *ret)
{
	OWNED(drop_str)
	char *path = text_format("%s/sys/kernel/iommu_groups/%s/devices", root, group);
	OWNED(drop_dir) DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (*entry->d_name != '.')
			words_add(ret, entry->d_name);
	return 0;
}

static int set(const struct pci *p, const char *attribute, const char *text, uint64_t usec)
{
	OWNED(drop_str) char *path = pci_path(p->root, p->address, attribute);

	return sysfs_write(path, text, usec);
}

/* Another driver, or none, by then is what was to be. */
static int unbind(const struct pci *p, uint64_t usec)
{
	int r = p->driver ? set(p, "driver/unbind", p->address, usec) : 0;

	return r == -ENODEV || r == -ENOENT ? 0 : r;
}

static int rebind(struct pci *p, const char *override, uint64_t usec)
{
	OWNED(drop_str) char *probe = text_format("%s/sys/bus/pci/drivers_probe", p->root);
	int r = set(p, "driver_override", override, usec);

	if (r == 0)
		r = unbind(p, usec);
	/* Where no driver wants the device this fails, and the driver that is read back tells all.
	 */
	if (r == 0 && sysfs_write(probe, p->address, usec) == -ETIMEDOUT)
		r = -ETIMEDOUT;
	return r < 0 ? r : look_driver(p);
}

int pci_take(struct pci *p, uint64_t usec)
{
	int r;

	if (p->driver && strcmp(p->driver, PCI_VFIO) == 0)
		return 0;
	r = rebind(p, PCI_VFIO, usec);
	if (r < 0)
		return r;
	return p->driver && strcmp(p->driver, PCI_VFIO) == 0 ? 0 : -ENOLINK;
}

int pci_give_back(struct pci *p, uint64_t usec)
{
	/* An empty line is no override. */
	return rebind(p, "\n", usec);
}
