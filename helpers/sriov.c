/* SPDX-License-Identifier: MIT */
#include "sriov.h"

#include "pci.h"
#include "sysfs.h"

#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <string.h>

static int read_number(const char *root, const char *parent, const char *attribute, unsigned *ret)
{
	OWNED(drop_str) char *path = pci_path(root, parent, attribute);
	OWNED(drop_str) char *text = NULL;
	int r = sysfs_read(path, &text);

	if (r == 0)
		*ret = (unsigned)strtoul(text, NULL, 10);
	return r;
}

int sriov_count(const char *root, const char *parent, unsigned *have, unsigned *most)
{
	OWNED(drop_str) char *folder = pci_path(root, parent, "");
	int r;

	if (access(folder, F_OK) < 0)
		return -ENODEV;
	r = read_number(root, parent, "sriov_totalvfs", most);
	if (r == 0)
		r = read_number(root, parent, "sriov_numvfs", have);
	return r == -ENOENT ? -EOPNOTSUPP : r;
}

static int set(const char *root, const char *parent, const char *attribute, unsigned value,
	       uint64_t usec)
{
	OWNED(drop_str) char *path = pci_path(root, parent, attribute);
	OWNED(drop_str) char *text = text_format("%u", value);

	return sysfs_write(path, text, usec);
}

int sriov_make(const char *root, const char *parent, unsigned count, uint64_t usec)
{
	int r = set(root, parent, "sriov_drivers_autoprobe", 0, usec);

	return r < 0 ? r : set(root, parent, "sriov_numvfs", count, usec);
}

char *sriov_address(const char *root, const char *parent, unsigned vf)
{
	OWNED(drop_str) char *link = text_format("virtfn%u", vf);
	OWNED(drop_str) char *path = pci_path(root, parent, link);
	char *address = NULL;

	return sysfs_link(path, &address) == 0 ? address : NULL;
}

char *sriov_interface(const char *root, const char *parent)
{
	OWNED(drop_str) char *path = pci_path(root, parent, "net");
	OWNED(drop_dir) DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (*entry->d_name != '.')
			return text_copy(entry->d_name);
	return NULL;
}
