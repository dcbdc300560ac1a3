/* SPDX-License-Identifier: MIT */
/* microvm-generator: run by systemd at boot and at every reload (systemd.generator(7)). Makes units of
 * the MicroVMs' configuration files. */
#include "generate.h"
#include "../common/log.h"
#include "../common/owned.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

static void tell(const struct problems *problems)
{
	for (size_t i = 0; i < problems->errors.count; i++)
		log_line(LEVEL_ERROR, "%s", problems->errors.at[i]);
	for (size_t i = 0; i < problems->warnings.count; i++)
		log_line(LEVEL_WARNING, "%s", problems->warnings.at[i]);
}

static int run(const char *folder, const char *root)
{
	OWNED(drop_words) struct words folders = { 0 };
	OWNED(drop_sources) struct sources sources = { 0 };
	OWNED(drop_fd) int fd = -1;
	int r;

	sources_folders(&folders);
	r = sources_find(root, &folders, &sources);
	if (r == 0)
		r = sources_add_packages(root, &sources);
	if (r < 0)
		return log_failure(r, "cannot read the configuration folders");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return log_failure(-errno, "%s", folder);
	r = generate(&(struct generate){ .sink = &(struct sink){ .folder = fd }, .root = root, .tell = tell },
		     &sources);
	if (r < 0 && r != -EINVAL)
		return log_failure(r, "cannot write units into %s", folder);
	return r < 0 ? EXIT_REFUSED : EXIT_DONE;
}

int main(int argc, char **argv)
{
	const char *root = getenv("MICROVM_ROOT");

	/* normal, early, late; our units belong to the first */
	if (argc != 4)
		return log_usage("microvm-generator NORMAL-DIR EARLY-DIR LATE-DIR");
	if (!root)
		(void)log_to_kernel("microvm-generator");
	return run(argv[1], root ? root : "");
}
