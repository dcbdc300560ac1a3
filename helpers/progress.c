/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include "manager.h"
#include "run-program.h"
#include "../common/clock.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <inttypes.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)

struct doing {
	const char *what;
	uint64_t total;
};

enum { EVERY = 250 }; /* milliseconds */

static char *told;

bool progress_is_due(void)
{
	static int64_t last;
	const int64_t now = milliseconds_now();
	const bool due = last > 0 && now - last >= EVERY;

	if (due || last == 0)
		last = now;
	return due;
}

static void tell(const char *status)
{
	OWNED(drop_str) char *state = text_format("STATUS=%s", status);

	manager_tell(state);
}

void progress_tell(const char *format, ...)
{
	OWNED(drop_str) char *status = NULL;
	va_list args;

	va_start(args, format);
	status = text_format_args(format, args);
	va_end(args);
	if (told && strcmp(told, status) == 0)
		return;
	tell(status);
	free(told);
	told = MOVE(status);
}

void progress_end(void)
{
	if (told)
		tell("");
	free(told);
	told = NULL;
}

/* All that it has read, of whatever file; 0 where the kernel does not count. */
static uint64_t bytes_read(pid_t pid)
{
	OWNED(drop_str) char *path = text_format("/proc/%d/io", (int)pid);
	OWNED(drop_file) FILE *f = fopen(path, "re");
	uint64_t bytes;

	return f && fscanf(f, "rchar: %" SCNu64, &bytes) == 1 ? bytes : 0;
}

static void look(pid_t pid, void *arg)
{
	const struct doing *doing = arg;
	uint64_t read = doing->total > 0 ? bytes_read(pid) : 0, percent;

	if (read == 0) {
		progress_tell("%s", doing->what);
		return;
	}
	/* mkfs.erofs reads once more what it finds cannot be compressed. */
	percent = read < doing->total ? read * 100 / doing->total : 99;
	progress_tell("%s: %" PRIu64 " %% of %" PRIu64 " MiB read", doing->what, percent,
		      (doing->total + MIB - 1) / MIB);
}

int progress_run(const struct words *argv, int given, const char *doing, uint64_t total)
{
	struct doing arg = { doing, total };
	const struct program_watch watch = { look, &arg };
	int r = program_run_watched(argv, NULL, given, &watch);

	progress_end();
	return r;
}
