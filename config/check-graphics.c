/* SPDX-License-Identifier: MIT */
#include "check.h"

static void check_alone(const struct section *s, struct problems *p)
{
	static const char *const keys[] = { "backend", "socket", "vulkan", "hostmem" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (section_sets(s, keys[i]))
			warning_in(p, s, keys[i], "does nothing without enable=yes");
}

static void check_served(const struct section *s, struct problems *p)
{
	static const char *const keys[] = { "backend", "vulkan", "hostmem" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (section_sets(s, keys[i]))
			problem_in(p, s, keys[i], "is for who serves the socket to decide; leave it out");
}

void microvm_check_graphics(const struct microvm *vm, struct problems *problems)
{
	const struct graphics *g = &vm->graphics;

	if (!g->enable) {
		check_alone(&g->section, problems);
		return;
	}
	if (g->socket && !*g->socket)
		problem_in(problems, &g->section, "socket", "a value is missing");
	if (g->socket)
		check_served(&g->section, problems);
	if (section_sets(&g->section, "hostmem") && !g->vulkan)
		problem_in(problems, &g->section, "hostmem", "is for Vulkan; write vulkan=yes");
	if (g->backend == DISPLAY_GTK && !vm->user)
		problem_in(problems, &g->section, "backend",
			   "a window needs somebody's screen; set [microvm] user to who sits there, or "
			   "write headless");
}
