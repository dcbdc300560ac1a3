/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include "../common/owned.h"
#include "../common/text.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What blkid_do_safeprobe() returns; libblkid has names for it from 2.39 on only. */
enum { PROBE_AMBIGUOUS = -2, PROBE_ERROR = -1, PROBE_OK = 0, PROBE_NONE = 1 };

static void drop_probe(blkid_probe *p)
{
	blkid_free_probe(*p);
}

static bool all_zero(const char *bytes, size_t n)
{
	return n == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0);
}

/* Whether zeros are all there is; holes need no reading. */
static int holds_zeros(int fd)
{
	static char bytes[1 << 16];
	off_t at = 0;

	for (;;) {
		ssize_t n;

		at = lseek(fd, at, SEEK_DATA);
		if (at < 0)
			return errno == ENXIO ? true : -errno;
		n = pread(fd, bytes, sizeof(bytes), at);
		if (n < 0)
			return -errno;
		if (!all_zero(bytes, (size_t)n))
			return false;
		if (n == 0)
			return true;
		at += n;
	}
}

static int probe_unknown(int fd)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) == 0 && S_ISBLK(st.st_mode))
		return CONTENT_UNKNOWN;
	r = holds_zeros(fd);
	if (r < 0)
		return r;
	return r ? CONTENT_EMPTY : CONTENT_DATA;
}

static int probe_known(blkid_probe probe, char **ret_type)
{
	const char *type;

	if (blkid_probe_lookup_value(probe, "TYPE", &type, NULL) == 0) {
		*ret_type = text_copy(type);
		return CONTENT_KNOWN;
	}
	if (blkid_probe_lookup_value(probe, "PTTYPE", &type, NULL) < 0)
		return CONTENT_SEVERAL;
	*ret_type = text_copy(type);
	return CONTENT_TABLE;
}

int probe_content(int fd, char **ret_type)
{
	OWNED(drop_probe) blkid_probe probe = blkid_new_probe();

	*ret_type = NULL;
	if (!probe)
		return -ENOMEM;
	errno = 0;
	if (blkid_probe_set_device(probe, fd, 0, 0) < 0)
		return errno > 0 ? -errno : -EIO;
	/* A checksum that is wrong is no reason to call something empty. */
	blkid_probe_enable_superblocks(probe, true);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(probe, true);
	errno = 0;
	switch (blkid_do_safeprobe(probe)) {
	case PROBE_OK:
		return probe_known(probe, ret_type);
	case PROBE_NONE:
		return probe_unknown(fd);
	case PROBE_AMBIGUOUS:
		return CONTENT_SEVERAL;
	default:
		return errno > 0 ? -errno : -EIO;
	}
}
