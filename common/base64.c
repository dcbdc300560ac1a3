/* SPDX-License-Identifier: MIT */
#include "base64.h"

static void add_group(struct text *t, const unsigned char *bytes, size_t count)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned group = 0;

	for (size_t i = 0; i < 3; i++)
		group = group << 8 | (i < count ? bytes[i] : 0);
	for (size_t i = 0; i < 4; i++)
		text_add_bytes(t, i <= count ? &digits[group >> (18 - 6 * i) & 63] : "=", 1);
}

void base64_add(struct text *t, const void *bytes, size_t n)
{
	const unsigned char *at = bytes;

	for (; n > 3; n -= 3, at += 3)
		add_group(t, at, 3);
	if (n > 0)
		add_group(t, at, n);
}
