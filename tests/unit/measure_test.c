/* SPDX-License-Identifier: MIT */
/* Sizes and times as people read them, and how wide a text is on their screen. */
#include "command/measure.h"
#include "command/screen.h"
#include "common/owned.h"
#include "result.h"

#include <stdint.h>
#include <stdlib.h>

#define MIB (UINT64_C(1) << 20)

static const struct {
	uint64_t bytes;
	const char *want;
} sizes[] = {
	{ 0, "0B" },
	{ 1, "1B" },
	{ 1023, "1023B" },
	{ 1024, "1K" },
	{ 1025, "1K" },
	{ 1126, "1K" },
	{ 1127, "1.1K" },
	{ 2047, "1.9K" },
	{ MIB - 1, "1023.9K" },
	{ MIB, "1M" },
	{ 512 * MIB, "512M" },
	{ 1536 * MIB, "1.5G" },
	{ 1025 * MIB, "1G" },
	{ 1024 * MIB + 1023, "1G" },
	{ MIB << 20, "1T" },
	{ UINT64_C(1) << 63, "8E" },
	{ UINT64_MAX, "15.9E" },
};

static const struct {
	uint64_t seconds;
	const char *want;
} times[] = {
	{ 0, "-" },
	{ 1, "1s" },
	{ 59, "59s" },
	{ 60, "1min" },
	{ 61, "1min 1s" },
	{ 3599, "59min 59s" },
	{ 3600, "1h" },
	{ 3659, "1h" },
	{ 3660, "1h 1min" },
	{ 86399, "23h 59min" },
	{ 86400, "1d" },
	{ 90000, "1d 1h" },
	{ UINT64_C(400) * 86400 + 7200, "400d 2h" },
};

static const struct {
	const char *text;
	size_t want;
} widths[] = {
	{ "", 0 },
	{ "running", 7 },
	{ "gr\xc3\xbc\xc3\x9f", 4 },	   /* one column a letter, however many bytes */
	{ "u\xcc\x88", 1 },		   /* what goes over the letter before has none */
	{ "\xe6\xbc\xa2\xe5\xad\x97", 4 }, /* two columns a letter */
	{ "\xe2\x97\x8f web", 5 },	   /* the dot of a state */
	{ "a\xff"
	  "b",
	  3 },		 /* no letter: as many as bytes from there on */
	{ "ab\xc3", 3 }, /* a letter that is cut off */
};

int main(void)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		OWNED(drop_str) char *have = measure_bytes(sizes[i].bytes);

		equal(sizes[i].want, have, "a size");
	}
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		OWNED(drop_str) char *have = measure_seconds(times[i].seconds);

		equal(times[i].want, have, "a time");
	}
	for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++)
		ok(screen_width(widths[i].text) == widths[i].want, "a width");
	return finish();
}
