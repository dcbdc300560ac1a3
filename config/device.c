/* SPDX-License-Identifier: MIT */
#include "device.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
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

/* The number behind the name; returns what follows it, or NULL. */
static const char *read_number(const char *text, const char *name, unsigned *ret)
{
	size_t n = strlen(name);
	char *end;

	if (strncmp(text, name, n) != 0 || !isxdigit((unsigned char)text[n]))
		return NULL;
	*ret = (unsigned)strtoul(text + n, &end, 16);
	return end - (text + n) <= 4 ? end : NULL;
}

bool usb_identity_read(const char *path, struct usb_identity *ret)
{
	unsigned vendor, product;
	const char *rest = read_number(path, "vendorid=0x", &vendor);

	if (rest)
		rest = read_number(rest, ",productid=0x", &product);
	if (!rest || *rest)
		return false;
	(void)snprintf(ret->text, sizeof(ret->text), "%04x:%04x", vendor & 0xffff, product & 0xffff);
	return true;
}

bool pci_id_fits(const char *id)
{
	return matches(id, "xxxx:xxxx");
}
