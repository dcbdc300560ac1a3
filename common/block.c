/* SPDX-License-Identifier: MIT */
#include "block.h"

#include "owned.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

int block_claim(const char *path, int flags)
{
	const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
	int fd = -1;

	for (int tries = 0; tries < 20; tries++) {
		fd = open(path, flags | O_EXCL | O_CLOEXEC);
		if (fd >= 0 || errno != EBUSY)
			break;
		(void)nanosleep(&pause, NULL);
	}
	return fd < 0 ? -errno : fd;
}

/* A file of sysfs about a device; NAME may be empty. */
static char *sys_path(const char *root, dev_t device, const char *name)
{
	return text_format("%s/sys/dev/block/%u:%u/%s", root, major(device), minor(device), name);
}

static bool sys_has(const char *root, dev_t device, const char *name)
{
	OWNED(drop_str) char *path = sys_path(root, device, name);

	return access(path, F_OK) == 0;
}

/* The first line of a file, or NULL. */
static char *sys_line(const char *root, dev_t device, const char *name)
{
	OWNED(drop_str) char *path = sys_path(root, device, name);
	OWNED(drop_file) FILE *f = fopen(path, "re");
	char line[256];

	if (!f || !fgets(line, sizeof(line), f))
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return text_copy(line);
}

static bool sys_device(const char *root, dev_t device, const char *name, dev_t *ret)
{
	OWNED(drop_str) char *line = sys_line(root, device, name);
	unsigned a, b;

	if (!line || sscanf(line, "%u:%u", &a, &b) != 2)
		return false;
	*ret = makedev(a, b);
	return true;
}

static bool is_node_of(const char *path, dev_t device)
{
	struct stat st;

	return strncmp(path, "/dev/", 5) == 0 && stat(path, &st) == 0 && S_ISBLK(st.st_mode) &&
	       st.st_rdev == device;
}

/* proc(5), mountinfo. btrfs shows numbers of its own there, so its source counts as well. */
static char *mount_point(char *line, dev_t device)
{
	OWNED(drop_str) char *source = NULL;
	OWNED(drop_str) char *point = NULL;
	char *second = strstr(line, " - ");
	unsigned a, b;

	if (!second || sscanf(line, "%*s %*s %u:%u %*s %ms", &a, &b, &point) != 3 ||
	    sscanf(second, " - %*s %ms", &source) != 1)
		return NULL;
	return makedev(a, b) == device || is_node_of(source, device) ? MOVE(point) : NULL;
}

static char *use_as_mount(char *line, dev_t device)
{
	OWNED(drop_str) char *point = mount_point(line, device);

	return point ? text_format("is mounted at %s", point) : NULL;
}

static char *use_as_swap(char *line, dev_t device)
{
	line[strcspn(line, " \t")] = '\0';
	return is_node_of(line, device) ? text_copy("is in use as swap") : NULL;
}

static char *use_in(const char *root, const char *file, dev_t device,
		    char *(*use)(char *line, dev_t device))
{
	OWNED(drop_str) char *path = text_format("%s/proc/%s", root, file);
	OWNED(drop_file) FILE *f = fopen(path, "re");
	OWNED(drop_str) char *line = NULL;
	char *found = NULL;
	size_t room = 0;

	while (f && !found && getline(&line, &room, f) >= 0)
		found = use(line, device);
	return found;
}

/* What "vg-data" is to LVM, its device dm-0 is to the kernel. */
static char *use_by_holder(const char *root, dev_t device, const char *holder)
{
	OWNED(drop_str) char *file = text_format("holders/%s/dm/name", holder);
	OWNED(drop_str) char *name = sys_line(root, device, file);

	return name ? text_format("is part of %s (%s)", holder, name)
		    : text_format("is part of %s", holder);
}

static char *use_by_holders(const char *root, dev_t device)
{
	OWNED(drop_str) char *path = sys_path(root, device, "holders");
	OWNED(drop_dir) DIR *d = opendir(path);
	const struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (*entry->d_name != '.')
			return use_by_holder(root, device, entry->d_name);
	return NULL;
}

static char *use_of_itself(const char *root, dev_t device)
{
	char *use = use_in(root, "self/mountinfo", device, use_as_mount);

	if (!use)
		use = use_in(root, "swaps", device, use_as_swap);
	return use ? use : use_by_holders(root, device);
}

static char *use_of_disk(const char *root, dev_t partition)
{
	OWNED(drop_str) char *use = NULL;
	dev_t disk;

	if (!sys_has(root, partition, "partition") || !sys_device(root, partition, "../dev", &disk))
		return NULL;
	use = use_of_itself(root, disk);
	return use ? text_format("is a partition of a disk that %s", use) : NULL;
}

static char *use_of_partition(const char *root, dev_t disk, const char *name)
{
	OWNED(drop_str) char *number = text_format("%s/partition", name);
	OWNED(drop_str) char *file = text_format("%s/dev", name);
	OWNED(drop_str) char *use = NULL;
	dev_t partition;

	if (!sys_has(root, disk, number) || !sys_device(root, disk, file, &partition))
		return NULL;
	use = use_of_itself(root, partition);
	return use ? text_format("has a partition %s, which %s", name, use) : NULL;
}

static char *use_of_partitions(const char *root, dev_t disk)
{
	OWNED(drop_str) char *path = sys_path(root, disk, "");
	OWNED(drop_dir) DIR *d = opendir(path);
	const struct dirent *entry;
	char *use = NULL;

	while (d && !use && (entry = readdir(d)))
		if (*entry->d_name != '.')
			use = use_of_partition(root, disk, entry->d_name);
	return use;
}

char *block_use(const char *root, dev_t device)
{
	char *use = use_of_itself(root, device);

	if (!use)
		use = use_of_disk(root, device);
	return use ? use : use_of_partitions(root, device);
}

uint64_t block_size(const char *root, dev_t device)
{
	OWNED(drop_str) char *line = sys_line(root, device, "size");
	uint64_t sectors;

	/* Of 512 bytes, whatever the device's own are. */
	return line && sscanf(line, "%" SCNu64, &sectors) == 1 ? sectors * 512 : 0;
}
