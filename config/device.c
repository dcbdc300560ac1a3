/* SPDX-License-Identifier: MIT */
#include "device.h"

#include <string.h>

/* The pattern's x is a hexadecimal digit, b one up to 1, o one up to 7; all else is itself. */
static bool matches(const char *text, const char *pattern)
{
	for (; *pattern; pattern++, text++) {
		const char *digits = *pattern == 'x'   ? "0123456789abcdef"
				     : *pattern == 'b' ? "01"
				     : *pattern == 'o' ? "01234567"
						       : NULL;

		if (!*text || (digits ? !strchr(digits, *text) : *text != *pattern))
			return false;
	}
	return !*text;
}

bool pci_address_fits(const char *address)
{
	/* Domains of more digits are those of virtual buses, as for devices behind a VMD. */
	return matches(address, "xxxx:xx:bx.o") || matches(address, "xxxxx:xx:bx.o");
}

bool pci_id_fits(const char *id)
{
	return matches(id, "xxxx:xxxx");
}
