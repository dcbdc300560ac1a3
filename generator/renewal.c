/* SPDX-License-Identifier: MIT */
#include "renewal.h"

#include "companions.h"
#include "unit.h"
#include "../common/owned.h"

bool needs_renewal(const struct microvm *vm)
{
	for (size_t i = 0; i < companion_count; i++)
		if (companion_is_bound(&companions[i], vm))
			return true;
	return false;
}

static void condition(struct text *u, const char *prefix, const char *path)
{
	OWNED(drop_str) char *test = text_format("%s%s", prefix, path);

	unit_set(u, "ConditionPathExists", test);
}

/* Longer than the name of an interface, which microvm-macvtap-interfaces leaves there. */
static char *mark_of(const struct companion *c, const struct microvm *vm)
{
	OWNED(drop_str) char *folder = companion_folder(c, vm);

	return text_format("%s/taken-by-its-microvm", folder);
}

static void renewal_of(struct text *u, const struct companion *c, const struct microvm *vm)
{
	OWNED(drop_str) char *unit = companion_name(c, vm);
	OWNED(drop_str) char *folder = companion_folder(c, vm);
	OWNED(drop_str) char *mark = mark_of(c, vm);

	unit_set(u, "After", unit);
	condition(u, "", folder);
	condition(u, "|", mark);
}

/* All that is wanted is there, and is of another run: of one that is still ending, or has ended. */
void renewal_unit(struct text *u, const struct microvm *vm)
{
	OWNED(drop_str) char *ending = text_format("/run/microvm/%s", vm->name);

	condition(u, "|", ending);
	for (size_t i = 0; i < companion_count; i++)
		if (companion_is_bound(&companions[i], vm))
			renewal_of(u, &companions[i], vm);
}

static void take_from(const struct companion *c, const struct microvm *vm, struct words *folders,
		      struct text *marks)
{
	OWNED(drop_str) char *mark = mark_of(c, vm);

	/* The folder above: its own goes while the MicroVM ends, which would spoil the sandbox of a stop. */
	words_addf(folders, "-%s", c->proof);
	text_addf(marks, "%s%s", marks->length ? ":" : "MICROVM_TAKES=", mark);
}

void renewal_service_lines(struct text *u, const struct microvm *vm)
{
	OWNED(drop_text) struct text marks = { 0 };
	OWNED(drop_words) struct words folders = { 0 };

	for (size_t i = 0; i < companion_count; i++)
		if (companion_is_bound(&companions[i], vm))
			take_from(&companions[i], vm, &folders, &marks);
	if (folders.count == 0)
		return;
	unit_words(u, "ReadWritePaths", &folders);
	unit_set(u, "Environment", marks.at);
}
