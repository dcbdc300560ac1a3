/* SPDX-License-Identifier: MIT */
#include "vcpus.h"

#include "../common/owned.h"
#include "../common/text.h"

#include <fcntl.h>
#include <string.h>

/* "TID (NAME) STATE PPID …": the name may hold anything, even ")". */
bool vcpu_stat_runs(const char *stat, const char *name)
{
	const char *begin = strchr(stat, '(');
	const char *end = strrchr(stat, ')');
	unsigned long user, kernel;

	if (!begin || !end || strncmp(begin + 1, name, strlen(name)) != 0)
		return false;
	/* Fields 3 to 13, then what counts in ticks of usually 10 ms. */
	return sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
		      &kernel) == 2 &&
	       user + kernel > 0;
}

static bool thread_runs(const char *folder, const char *thread, const char *name)
{
	OWNED(drop_str) char *path = text_format("%s/%s/stat", folder, thread);
	OWNED(drop_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char stat[1024] = "";

	/* One that ends meanwhile is no news. */
	return fd >= 0 && read(fd, stat, sizeof(stat) - 1) > 0 && vcpu_stat_runs(stat, name);
}

bool vcpus_run(pid_t pid, const char *name)
{
	OWNED(drop_str) char *path = text_format("/proc/%d/task", pid);
	OWNED(drop_dir) DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (*entry->d_name != '.' && thread_runs(path, entry->d_name, name))
			return true;
	return false;
}
