/* SPDX-License-Identifier: MIT */
#include "verb.h"

#include "hypervisors.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../generator/generate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static size_t errors, warnings;

static void tell(const struct problems *problems)
{
	for (size_t i = 0; i < problems->errors.count; i++)
		(void)fprintf(stderr, "%s\n", problems->errors.at[i]);
	for (size_t i = 0; i < problems->warnings.count; i++)
		(void)fprintf(stderr, "%s (warning)\n", problems->warnings.at[i]);
	errors += problems->errors.count;
	warnings += problems->warnings.count;
}

/* A folder stands for all MicroVMs in it, a file for one. */
static int argument_add(const char *path, const char *root, struct sources *sources)
{
	OWNED(drop_str) char *simple = text_copy(path);
	OWNED(drop_words) struct words folder = { 0 };
	struct stat st;
	size_t n;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode)) {
		sources_add_file(sources, path);
		return 0;
	}
	for (n = strlen(simple); n > 1 && simple[n - 1] == '/'; n--)
		simple[n - 1] = '\0';
	words_add(&folder, simple);
	return sources_find(root, &folder, sources);
}

static int sources_of(char **paths, const char *root, struct sources *sources)
{
	OWNED(drop_words) struct words folders = { 0 };

	if (!*paths) {
		int r;

		sources_folders(&folders);
		r = sources_find(root, &folders, sources);
		return r == 0 ? sources_add_packages(root, sources) : r;
	}
	for (; *paths; paths++) {
		int r = argument_add(*paths, "", sources);

		if (r < 0)
			return log_failure(r, "%s", *paths), r;
	}
	return 0;
}

static int check(char **paths, bool units)
{
	OWNED(drop_sources) struct sources sources = { 0 };
	const char *root = getenv("MICROVM_ROOT");
	const struct sink print = { .folder = SINK_PRINT };
	int r = sources_of(paths, root ? root : "", &sources);

	if (r < 0 && !*paths)
		return log_failure(r, "cannot read the configuration folders");
	if (r < 0)
		return EXIT_REFUSED;
	r = generate(&(struct generate){ .sink = units ? &print : NULL,
					 .root = root ? root : "",
					 .tell = tell,
					 .look_at_host = !root },
		     &sources);
	if (r < 0 && r != -EINVAL)
		return log_failure(r, "cannot print the units");
	if (sources.count == 0)
		(void)fprintf(stderr, "No MicroVM is configured.\n");
	return r < 0 ? EXIT_REFUSED : EXIT_DONE;
}

int verb_check(const struct call *call)
{
	if (call_has(call, "hypervisors"))
		return hypervisors_print();
	return check(call->arguments, call_has(call, "units"));
}
