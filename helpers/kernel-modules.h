/* SPDX-License-Identifier: MIT */
/* kernel-modules.h: the modules of the guest's kernel, as depmod(8) has listed them in lib/modules/RELEASE. */
#pragma once

#include "../common/words.h"

struct kernel_modules {
	char *release; /* "6.12.0-amd64"; NULL: not known */
	int folder;    /* the folder of that name; -1: there is none */
};

#define NO_KERNEL_MODULES ((struct kernel_modules){ .folder = -1 })

/* The release that a bzImage says it is (Documentation/arch/x86/boot.rst), or NULL; free() by the caller. */
char *kernel_release(const char *kernel);

/* Finds the modules of a kernel image in a tree, and where that has none of this release, on the host. An image
 * that does not say its release is taken for that of the tree's only modules. Returns 0 also where nothing was
 * found, or -errno. */
int kernel_modules_find(const char *kernel, int tree, struct kernel_modules *ret);

enum module {
	MODULE_BUILT_IN, /* nothing has to be loaded */
	MODULE_FILE,
	MODULE_MISSING,
};

/* Adds the files of a module and of those that it needs, as paths in the folder, each once. Returns an
 * enum module, or -errno. */
int kernel_module_files(const struct kernel_modules *m, const char *name, struct words *ret);

void drop_kernel_modules(struct kernel_modules *m);
