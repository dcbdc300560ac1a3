/* SPDX-License-Identifier: MIT */
/* kernel-image.h: what a file is that is to be booted, by its first bytes. */
#pragma once

enum architecture {
	ARCHITECTURE_X86_64,
	ARCHITECTURE_AARCH64,
	ARCHITECTURES,
	ARCHITECTURE_UNKNOWN = ARCHITECTURES,
};

#ifdef __aarch64__
#define HOST_ARCHITECTURE ARCHITECTURE_AARCH64
#else
#define HOST_ARCHITECTURE ARCHITECTURE_X86_64
#endif

enum kernel_format {
	KERNEL_UNREADABLE,
	KERNEL_BZIMAGE,
	KERNEL_ELF,
	KERNEL_OTHER,
};

struct kernel_image {
	enum kernel_format format;
	enum architecture architecture;
};

/* As uname(2) has them. */
extern const char *const architecture_names[ARCHITECTURES];

struct kernel_image kernel_image(const char *path);

/* The architecture of that name. */
enum architecture architecture_find(const char *name);
