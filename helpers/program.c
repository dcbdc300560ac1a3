/* SPDX-License-Identifier: MIT */
#include "program.h"

#include "firmware.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/package.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Where PATH has the program, or NULL; free() by the caller. */
static char *find_in_path(const char *program)
{
	const char *path = getenv("PATH");

	for (path = path ? path : "/usr/local/bin:/usr/bin:/bin"; *path;) {
		size_t n = strcspn(path, ":");
		OWNED(drop_str) char *candidate = text_format("%.*s/%s", (int)n, path, program);

		if (n > 0 && access(candidate, X_OK) == 0)
			return MOVE(candidate);
		path += n + (path[n] == ':');
	}
	return NULL;
}

/* What a binary emulates, by its name. */
static enum architecture emulated_by(const struct hypervisor *h, const char *program)
{
	const char *name = program ? strrchr(program, '/') : NULL;

	for (enum architecture a = 0; name && h->emulators && a < ARCHITECTURES; a++)
		if (strcmp(name + 1, h->emulators[a].program) == 0)
			return a;
	return HOST_ARCHITECTURE;
}

/* What boots knows for whom it was built; what is packed tells nothing. */
int program_architecture(const struct microvm *vm, const struct firmware *firmware,
			 enum architecture *ret)
{
	const struct hypervisor *h = hypervisor_of(vm);
	const char *boots = vm->kernel ? vm->kernel : vm->firmware;
	enum architecture found = ARCHITECTURE_UNKNOWN;

	if (vm->kernel)
		found = kernel_image(vm->kernel).architecture;
	if (found == ARCHITECTURE_UNKNOWN && vm->firmware)
		found = firmware->architecture;
	if (found == ARCHITECTURE_UNKNOWN)
		found = emulated_by(h, h->package(vm));
	*ret = found;
	if (found == HOST_ARCHITECTURE || h->emulators)
		return 0;
	log_line(LEVEL_ERROR,
		 "%s is for %s, and %s runs guests of the host's architecture, %s, alone; write "
		 "hypervisor=qemu",
		 boots, architecture_names[found], h->name, architecture_names[HOST_ARCHITECTURE]);
	return EXIT_REFUSED;
}

static int not_installed(const char *program, const char *debian, const char *hypervisor)
{
	OWNED(drop_str)
	char *how = debian ? text_format(" (on Debian: apt install %s)", debian) : text_copy("");

	log_line(LEVEL_ERROR, "%s is not installed%s; or set [%s] package to its path", program,
		 how, hypervisor);
	return EXIT_REFUSED;
}

static int find_runner(const struct microvm *vm, char **ret)
{
	OWNED(drop_str) char *path = text_format("%s/" PACKAGE_RUN, vm->runner);

	if (access(path, X_OK) < 0)
		return log_failure(-errno, "runner: %s", path);
	*ret = MOVE(path);
	return EXIT_DONE;
}

int program_find(const struct microvm *vm, enum architecture guest, char **ret)
{
	const struct hypervisor *h = hypervisor_of(vm);
	const struct emulator plain = { h->program, NULL };
	const struct emulator *e = h->emulators ? &h->emulators[guest] : &plain;
	const char *package = h->package(vm);

	if (vm->runner)
		return find_runner(vm, ret);
	if (package && access(package, X_OK) < 0)
		return log_failure(-errno, "[%s] package: %s", h->name, package);
	*ret = package ? text_copy(package) : find_in_path(e->program);
	return *ret ? EXIT_DONE : not_installed(e->program, e->debian, h->name);
}

/* 0 or -errno. Opening tells more than access(2): a device cgroup and a module that is missing too.
 */
static int try_kvm(void)
{
	OWNED(drop_fd) int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : 0;
}

int program_kvm(const struct hypervisor *h, enum architecture guest, bool printed, bool *ret)
{
	int r = h->own_affair || (printed && !h->emulators) ? 0 : try_kvm();

	if (r < 0 && !h->emulators)
		return log_failure(r, "%s needs KVM, and /dev/kvm cannot be used", h->name);
	if (guest != HOST_ARCHITECTURE)
		log_line(LEVEL_WARNING,
			 "the guest is emulated and slow: it is for %s, and the host is %s",
			 architecture_names[guest], architecture_names[HOST_ARCHITECTURE]);
	else if (r < 0)
		log_line(LEVEL_WARNING,
			 "KVM is not available, the guest is emulated and slow: /dev/kvm: %s",
			 strerror(-r));
	*ret = r == 0 && guest == HOST_ARCHITECTURE;
	return EXIT_DONE;
}
