/* SPDX-License-Identifier: MIT */
#include "release.h"

#include "process.h"

#include "../common/owned.h"
#include "../hypervisors/hypervisor.h"

#include <ctype.h>
#include <errno.h>

/* "cloud-hypervisor v53.0", "Firecracker v1.16.1" */
static int find_release(const char *text, unsigned *ret)
{
	for (; text && *text; text++) {
		char *dot;
		unsigned long major;

		if (!isdigit((unsigned char)*text))
			continue;
		major = strtoul(text, &dot, 10);
		if (*dot == '.' && isdigit((unsigned char)dot[1])) {
			*ret = RELEASE(major, strtoul(dot + 1, NULL, 10));
			return 0;
		}
		text = dot - 1;
	}
	return -ENODATA;
}

int program_release(const char *program, const char *argument, unsigned *ret)
{
	OWNED(drop_text) struct text output = { 0 };
	int r = program_output(program, argument, &output);

	return r < 0 ? r : find_release(output.at, ret);
}
