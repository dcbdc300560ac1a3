/* SPDX-License-Identifier: MIT */
#include "pci-notes.h"

#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <string.h>

static char *notes_path(const char *name)
{
	return text_format(PCI_NOTES "/%s.taken", name);
}

static char *lost_path(const char *name)
{
	return text_format(PCI_NOTES "/%s.lost", name);
}

int pci_note(const char *name, const char *address, bool give_back)
{
	OWNED(drop_str) char *path = notes_path(name);
	FILE *f = fopen(path, "ae");
	int r;

	if (!f)
		return -errno;
	r = fprintf(f, "%s %s\n", address, give_back ? "give-back" : "keep") < 0 ? -EIO : 0;
	return fclose(f) == 0 ? r : -errno;
}

int pci_notes_read(const char *name, struct words *ret)
{
	OWNED(drop_str) char *path = notes_path(name);
	OWNED(drop_file) FILE *f = fopen(path, "re");
	char line[256];

	if (!f)
		return errno == ENOENT ? 0 : -errno;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		words_add(ret, line);
	}
	return ferror(f) ? -EIO : 0;
}

void pci_notes_remove(const char *name)
{
	OWNED(drop_str) char *path = notes_path(name);

	(void)unlink(path);
}

int pci_note_lost(const char *name)
{
	OWNED(drop_str) char *path = lost_path(name);
	OWNED(drop_file) FILE *f = fopen(path, "we");

	return f ? 0 : -errno;
}

bool pci_take_lost(const char *name)
{
	OWNED(drop_str) char *path = lost_path(name);

	return unlink(path) == 0;
}
