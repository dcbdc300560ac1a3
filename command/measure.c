/* SPDX-License-Identifier: MIT */
#include "measure.h"

#include "../common/text.h"

#include <inttypes.h>
#include <stddef.h>

char *measure_bytes(uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	size_t unit = 0;
	uint64_t rest = 0;

	for (; bytes >= 1024 && units[unit + 1]; unit++) {
		rest = bytes % 1024;
		bytes /= 1024;
	}
	rest = rest * 10 / 1024;
	if (rest == 0)
		return text_format("%" PRIu64 "%c", bytes, units[unit]);
	return text_format("%" PRIu64 ".%" PRIu64 "%c", bytes, rest, units[unit]);
}

char *measure_seconds(uint64_t seconds)
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	size_t i = 0;

	if (seconds == 0)
		return text_copy("-");
	while (seconds < units[i].seconds)
		i++;
	if (units[i].seconds == 1 || seconds % units[i].seconds < units[i + 1].seconds)
		return text_format("%" PRIu64 "%s", seconds / units[i].seconds, units[i].name);
	return text_format("%" PRIu64 "%s %" PRIu64 "%s", seconds / units[i].seconds, units[i].name,
			   seconds % units[i].seconds / units[i + 1].seconds, units[i + 1].name);
}
