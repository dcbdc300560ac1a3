/* SPDX-License-Identifier: MIT */
#include "huge-pages.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <inttypes.h>

/* /proc/meminfo says it too, where a unit sees it. */
static int read_count(const char *name, uint64_t *ret)
{
	const char *folder = "/sys/kernel/mm/hugepages/hugepages-2048kB";
	OWNED(drop_str) char *path = text_format("%s/%s", folder, name);
	OWNED(drop_file) FILE *f = fopen(path, "re");

	if (!f)
		return -errno;
	return fscanf(f, "%" SCNu64, ret) == 1 ? 0 : -EIO;
}

int huge_pages_check(const struct microvm *vm)
{
	uint64_t needed = (vm->mem + vm->hotplug_mem + (2 << 20) - 1) / (2 << 20);
	uint64_t unused, reserved;
	int r;

	if (!vm->hugepage_mem)
		return EXIT_DONE;
	r = read_count("free_hugepages", &unused);
	if (r == 0)
		r = read_count("resv_hugepages", &reserved);
	if (r < 0)
		return log_failure(r, "hugepageMem: cannot tell how many huge pages the host has");
	if (unused - reserved >= needed)
		return EXIT_DONE;
	log_line(LEVEL_ERROR,
		 "hugepageMem: %" PRIu64 " huge pages of 2M are needed and %" PRIu64 " are free, "
		 "%" PRIu64 " are missing; raise vm.nr_hugepages (sysctl.d(5))",
		 needed, unused - reserved, needed - (unused - reserved));
	return EXIT_REFUSED;
}
