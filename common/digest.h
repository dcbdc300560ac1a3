/* SPDX-License-Identifier: MIT */
/* digest.h: 64 bits for telling what has changed by itself; not for what somebody forges. The mixing is
 * splitmix64's, over words of eight bytes: FNV needs a step a byte. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DIGEST_OF_NOTHING UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t digest_add(uint64_t digest, const void *bytes, size_t n)
{
	for (const char *at = bytes; n > 0;) {
		size_t taken = n < sizeof(digest) ? n : sizeof(digest);
		uint64_t word = 0;

		memcpy(&word, at, taken);
		digest = (digest ^ word) * UINT64_C(0xbf58476d1ce4e5b9);
		digest ^= digest >> 31;
		at += taken;
		n -= taken;
	}
	return digest;
}

/* With its NUL, so that two texts are not one. */
static inline uint64_t digest_add_text(uint64_t digest, const char *text)
{
	return digest_add(digest, text, strlen(text) + 1);
}
