/* SPDX-License-Identifier: MIT */
#include "device-use.h"

#include "../common/owned.h"
#include "../common/text.h"

#include <limits.h>
#include <string.h>

enum { DEEPEST = 8 }; /* bridges on bonds on VLANs; LVM on LUKS on RAID */

static bool is_below(const char *path, const char *folder)
{
	char real[PATH_MAX];
	size_t n = strlen(folder);

	return realpath(path, real) && strncmp(real, folder, n) == 0 &&
	       (real[n] == '/' || !real[n]);
}

/* Whether the object, or one that it is made of (folder "slaves", links "lower_*"), is the
 * device's. */
static bool is_of(const char *path, const char *device, const char *parts, int depth)
{
	OWNED(drop_str) char *folder = NULL;
	OWNED(drop_dir) DIR *dir = NULL;
	struct dirent *entry;

	if (is_below(path, device))
		return true;
	folder = text_format("%s%s", path, *parts == '/' ? parts : "");
	dir = depth < DEEPEST ? opendir(folder) : NULL;
	while (dir && (entry = readdir(dir))) {
		OWNED(drop_str) char *part = text_format("%s/%s", folder, entry->d_name);

		if (*entry->d_name != '.' &&
		    (*parts == '/' || strncmp(entry->d_name, parts, strlen(parts)) == 0) &&
		    is_of(part, device, parts, depth + 1))
			return true;
	}
	return false;
}

static char *route_if_of(const char *root, const char *device, const char *interface)
{
	OWNED(drop_str) char *path = text_format("%s/sys/class/net/%s", root, interface);

	return is_of(path, device, "lower_", 0) ? text_format("the default route (%s)", interface)
						: NULL;
}

/* Fields as in proc(5). */
static char *use_by_ipv4(const char *root, const char *device)
{
	OWNED(drop_str) char *path = text_format("%s/proc/net/route", root);
	OWNED(drop_file) FILE *f = fopen(path, "re");
	char line[512], interface[32], destination[16], mask[16], *ret = NULL;

	while (f && !ret && fgets(line, sizeof(line), f))
		if (sscanf(line, "%31s %15s %*s %*s %*s %*s %*s %15s", interface, destination,
			   mask) == 3 &&
		    strcmp(destination, "00000000") == 0 && strcmp(mask, "00000000") == 0)
			ret = route_if_of(root, device, interface);
	return ret;
}

static char *use_by_ipv6(const char *root, const char *device)
{
	OWNED(drop_str) char *path = text_format("%s/proc/net/ipv6_route", root);
	OWNED(drop_file) FILE *f = fopen(path, "re");
	char line[512], length[8], interface[32], destination[40], *ret = NULL;

	while (f && !ret && fgets(line, sizeof(line), f))
		if (sscanf(line, "%39s %7s %*s %*s %*s %*s %*s %*s %*s %31s", destination, length,
			   interface) == 3 &&
		    strcmp(length, "00") == 0 && strspn(destination, "0") == 32 &&
		    strcmp(interface, "lo") != 0)
			ret = route_if_of(root, device, interface);
	return ret;
}

/* Of a partition its disk knows what it is made of. */
static bool is_disk_of(const char *root, const char *device, const char *number)
{
	OWNED(drop_str) char *path = text_format("%s/sys/dev/block/%s", root, number);
	OWNED(drop_str) char *whole = text_format("%s/..", path);

	return is_of(path, device, "/slaves", 0) || is_of(whole, device, "/slaves", 0);
}

static char *use_by_mount(const char *root, const char *device)
{
	OWNED(drop_str) char *path = text_format("%s/proc/self/mountinfo", root);
	OWNED(drop_file) FILE *f = fopen(path, "re");
	char line[8192], number[32], mounted[4096], *ret = NULL;

	while (f && !ret && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*s %31s %*s %4095s", number, mounted) == 2 &&
		    is_disk_of(root, device, number))
			ret = text_format("the file system on %s", mounted);
	return ret;
}

char *device_use(const char *root, const char *path)
{
	char device[PATH_MAX], *ret;

	if (!realpath(path, device))
		return NULL;
	ret = use_by_ipv4(root, device);
	if (!ret)
		ret = use_by_ipv6(root, device);
	return ret ? ret : use_by_mount(root, device);
}
