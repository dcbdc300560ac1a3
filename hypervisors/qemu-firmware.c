/* SPDX-License-Identifier: MIT */
#include "qemu.h"

#include "parts.h"

#include "../common/log.h"
#include "../common/owned.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

/* Made of the template at the first start, and the MicroVM's own from then on. */
static char *variables_path(const struct microvm *vm)
{
	OWNED(drop_str) char *folder = microvm_state_dir(vm);

	return text_format("%s/firmware-variables", folder);
}

bool qemu_has_flash(const struct qemu_command *c)
{
	const struct firmware *f = c->launch->firmware;

	return f && f->variables && !qemu_is_microvm(&c->machine);
}

static void add_flash(const struct qemu_command *c, const char *name, const char *format,
		      const char *path, bool read_only)
{
	OWNED(drop_str) char *file = qemu_text(path);

	words_add(c->argv, "-blockdev");
	words_addf(c->argv, "driver=%s,node-name=%s,read-only=%s,file.driver=file,file.filename=%s",
		   format, name, on_off(read_only), file);
}

void qemu_add_firmware(const struct qemu_command *c)
{
	const struct firmware *f = c->launch->firmware;
	OWNED(drop_str) char *variables = variables_path(c->vm);

	if (!c->vm->firmware)
		return;
	if (!qemu_has_flash(c)) {
		words_add(c->argv, "-bios");
		words_add(c->argv, c->vm->firmware);
		return;
	}
	add_flash(c, "firmware", f->format, c->vm->firmware, true);
	add_flash(c, "variables", f->variables_format, variables, false);
	if (f->guarded) {
		words_add(c->argv, "-global");
		words_add(c->argv, "driver=cfi.pflash01,property=secure,value=on");
	}
}

static int copy_bytes(int from, int to, off_t size)
{
	while (size > 0) {
		ssize_t n = sendfile(to, from, NULL, (size_t)size);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		size -= n;
	}
	return fsync(to) < 0 ? -errno : 0;
}

/* Whole or not at all. */
static int copy_file(int from, const char *path, off_t size)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
	OWNED(drop_str) char *fresh = text_format("%s.new", path);
	OWNED(drop_fd) int to = open(fresh, flags, 0600);
	int r = to < 0 ? -errno : copy_bytes(from, to, size);

	if (r == 0 && rename(fresh, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(fresh);
	return r;
}

static int tell_no_variables(const struct microvm *vm)
{
	if (vm->firmware)
		log_line(LEVEL_NOTICE,
			 "firmware: no template for variables of %s is known, so that what the guest stores "
			 "in them is lost when it ends",
			 vm->firmware);
	return EXIT_DONE;
}

/* One of another size is another firmware's. What is in a qcow2 file is not looked at. */
static int check_size(const struct firmware *f, const char *path, off_t size, off_t wanted)
{
	if (strcmp(f->variables_format, "raw") != 0 || size == wanted)
		return EXIT_DONE;
	log_line(LEVEL_ERROR,
		 "firmware: the variables in %s are of another firmware (%jd bytes, not %jd); move "
		 "the file away to begin with new ones",
		 path, (intmax_t)size, (intmax_t)wanted);
	return EXIT_REFUSED;
}

int qemu_prepare_firmware(const struct microvm *vm, const struct launch *launch)
{
	const struct qemu_command c = { vm, launch, qemu_machine_of(vm, launch), NULL };
	OWNED(drop_str) char *path = variables_path(vm);
	OWNED(drop_fd) int from = -1;
	struct stat st, have;
	int r;

	if (!qemu_has_flash(&c))
		return tell_no_variables(vm);
	from = open(launch->firmware->variables, O_RDONLY | O_CLOEXEC);
	if (from < 0 || fstat(from, &st) < 0)
		return log_failure(-errno, "firmware: %s", launch->firmware->variables);
	r = stat(path, &have) < 0 ? -errno : 0;
	if (r == -ENOENT) {
		r = copy_file(from, path, st.st_size);
		have = st;
	}
	if (r < 0)
		return log_failure(r, "firmware: %s", path);
	return check_size(launch->firmware, path, have.st_size, st.st_size);
}
