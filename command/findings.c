/* SPDX-License-Identifier: MIT */
#include "findings.h"

#include "../common/link.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/identity.h"
#include "../config/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int block_size(const char *path, uint64_t *ret)
{
	OWNED(drop_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 || ioctl(fd, BLKGETSIZE64, ret) < 0 ? errno : 0;
}

void volume_find(const char *path, struct volume_found *ret)
{
	struct stat st;

	*ret = (struct volume_found){ 0 };
	if (stat(path, &st) < 0) {
		ret->error = errno;
		return;
	}
	ret->block = S_ISBLK(st.st_mode);
	if (ret->block) {
		ret->error = block_size(path, &ret->size);
		return;
	}
	ret->size = (uint64_t)st.st_size;
	ret->used = (uint64_t)st.st_blocks * 512;
}

static uint64_t resident(const char *pid)
{
	OWNED(drop_str) char *path = text_format("/proc/%s/statm", pid);
	OWNED(drop_file) FILE *f = fopen(path, "re");
	uint64_t pages = 0;

	if (!f || fscanf(f, "%*u %" SCNu64, &pages) != 1)
		return 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t memory_found(const struct item *item)
{
	uint64_t used = property_number(&item->unit, "MemoryCurrent");

	return used && used != UINT64_MAX ? used : resident(property(&item->unit, "MainPID"));
}

char *mac_found(const struct microvm *vm, const struct interface *i)
{
	unsigned char host[16];

	if (i->mac)
		return text_copy(i->mac);
	return identity_host("/etc/machine-id", host) == 0
		       ? identity_mac(vm->name, i->section.id, host)
		       : NULL;
}

char *driver_found(const struct device *d)
{
	OWNED(drop_str) char *link = text_format("/sys/bus/pci/devices/%s/driver", d->path);

	return d->bus == BUS_PCI ? link_end(link) : NULL;
}

char *value_found(const struct section *s, const char *name)
{
	const struct key *key = key_find(s->kind, name);
	OWNED(drop_words) struct words values = { 0 };

	key->type->print(key->type, key_field(key, s), &values);
	return values.count > 0 ? text_copy(values.at[0]) : NULL;
}

char *system_found(const char *package)
{
	OWNED(drop_str) char *link = text_format("%s/share/microvm/system", package);
	char target[PATH_MAX];
	ssize_t n = readlink(link, target, sizeof(target));

	return n < 0 ? NULL : text_format("%.*s", (int)n, target);
}
