/* SPDX-License-Identifier: MIT */
#include "usb.h"

#include "sysfs.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <string.h>

#define DEVICES "/sys/bus/usb/devices"

char *usb_path(const char *root, const char *name)
{
	return text_format("%s" DEVICES "/%s", root, name);
}

static char *attribute(const char *root, const char *name, const char *key)
{
	OWNED(drop_str) char *path = text_format("%s" DEVICES "/%s/%s", root, name, key);
	char *value = NULL;

	return sysfs_read(path, &value) == 0 ? value : NULL;
}

/* Interfaces and host controllers, which are in the same folder, have none or another. */
static bool has_identity(const char *root, const char *name, const char *identity)
{
	OWNED(drop_str) char *vendor = attribute(root, name, "idVendor");
	OWNED(drop_str) char *product = attribute(root, name, "idProduct");
	OWNED(drop_str) char *have = NULL;

	if (!vendor || !product)
		return false;
	have = text_format("%s:%s", vendor, product);
	return strcmp(have, identity) == 0;
}

int usb_find(const char *root, const char *identity, struct words *ret)
{
	OWNED(drop_str) char *folder = text_format("%s" DEVICES, root);
	OWNED(drop_dir) DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir)))
		if (*entry->d_name != '.' && has_identity(root, entry->d_name, identity))
			words_add(ret, entry->d_name);
	return 0;
}

char *usb_node(const char *root, const char *name)
{
	OWNED(drop_str) char *bus = attribute(root, name, "busnum");
	OWNED(drop_str) char *device = attribute(root, name, "devnum");

	if (!bus || !device)
		return NULL;
	return text_format("%s/dev/bus/usb/%03lu/%03lu", root, strtoul(bus, NULL, 10),
			   strtoul(device, NULL, 10));
}

static bool has_driver(const char *folder, const char *interface)
{
	OWNED(drop_str) char *path = text_format("%s/%s/driver", folder, interface);

	return access(path, F_OK) == 0;
}

void usb_give_back(const char *root, const char *name, uint64_t usec)
{
	OWNED(drop_str) char *folder = usb_path(root, name);
	OWNED(drop_str) char *probe = text_format("%s/sys/bus/usb/drivers_probe", root);
	OWNED(drop_str) char *prefix = text_format("%s:", name);
	OWNED(drop_dir) DIR *dir = opendir(folder);
	struct dirent *entry;

	/* Where no driver wants the interface the write fails, and all is as it was. */
	while (dir && (entry = readdir(dir)))
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
		    !has_driver(folder, entry->d_name))
			(void)sysfs_write(probe, entry->d_name, usec);
}
