/* SPDX-License-Identifier: MIT */
#include "kernel-image.h"

#include "../common/owned.h"

#include <elf.h>
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	HEAD = 4096,
	BZIMAGE_AT = 0x202,    /* "HdrS", Documentation/arch/x86/boot.rst */
	ARM_IMAGE_AT = 0x38,   /* "ARM\x64", Documentation/arch/arm64/booting.rst */
	PE_HEADER_AT = 0x3c,   /* offset of "PE\0\0", which the machine follows */
	PE_X86_64 = 0x8664,
	PE_AARCH64 = 0xaa64,
};

const char *const architecture_names[ARCHITECTURES] = { "x86_64", "aarch64" };

/* The first bytes of a file, zeros where it has no more. */
struct head {
	char bytes[HEAD];
};

static bool head_has(const struct head *h, size_t at, const char *bytes, size_t n)
{
	return at + n <= sizeof(h->bytes) && memcmp(h->bytes + at, bytes, n) == 0;
}

static uint16_t number16(const struct head *h, size_t at)
{
	uint16_t value;

	memcpy(&value, h->bytes + at, sizeof(value));
	return le16toh(value);
}

static enum architecture elf_architecture(const struct head *h)
{
	switch (number16(h, offsetof(Elf64_Ehdr, e_machine))) {
	case EM_X86_64:
	case EM_386:
		return ARCHITECTURE_X86_64;
	case EM_AARCH64:
		return ARCHITECTURE_AARCH64;
	default:
		return ARCHITECTURE_UNKNOWN;
	}
}

/* Of kernels that firmware starts, also compressed ones (zboot). */
static enum architecture pe_architecture(const struct head *h)
{
	size_t at = number16(h, PE_HEADER_AT);

	if (!head_has(h, 0, "MZ", 2) || at > HEAD - 8 || !head_has(h, at, "PE\0\0", 4))
		return ARCHITECTURE_UNKNOWN;
	switch (number16(h, at + 4)) {
	case PE_X86_64:
		return ARCHITECTURE_X86_64;
	case PE_AARCH64:
		return ARCHITECTURE_AARCH64;
	default:
		return ARCHITECTURE_UNKNOWN;
	}
}

struct kernel_image kernel_image(const char *path)
{
	OWNED(drop_file) FILE *f = fopen(path, "re");
	struct head h = { 0 };

	if (!f || fread(h.bytes, 1, HEAD, f) < 4)
		return (struct kernel_image){ KERNEL_UNREADABLE, ARCHITECTURE_UNKNOWN };
	if (head_has(&h, 0, ELFMAG, SELFMAG))
		return (struct kernel_image){ KERNEL_ELF, elf_architecture(&h) };
	if (head_has(&h, BZIMAGE_AT, "HdrS", 4))
		return (struct kernel_image){ KERNEL_BZIMAGE, ARCHITECTURE_X86_64 };
	if (head_has(&h, ARM_IMAGE_AT, "ARM\x64", 4))
		return (struct kernel_image){ KERNEL_OTHER, ARCHITECTURE_AARCH64 };
	return (struct kernel_image){ KERNEL_OTHER, pe_architecture(&h) };
}

enum architecture architecture_find(const char *name)
{
	for (enum architecture a = 0; a < ARCHITECTURES; a++)
		if (strcmp(architecture_names[a], name) == 0)
			return a;
	return ARCHITECTURE_UNKNOWN;
}
