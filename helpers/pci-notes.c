/* SPDX-License-Identifier: MIT */
#include "pci-notes.h"

#include "pci.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define OBJECT " object="

static char *notes_path(const char *name)
{
	return text_format(PCI_NOTES "/%s.taken", name);
}

static char *lost_path(const char *name)
{
	return text_format(PCI_NOTES "/%s.lost", name);
}

static int add_line(const char *path, const char *line)
{
	OWNED(drop_file) FILE *f = fopen(path, "ae");

	if (!f)
		return -errno;
	return fprintf(f, "%s\n", line) < 0 || fflush(f) != 0 ? -EIO : 0;
}

static int read_lines(const char *path, struct words *ret)
{
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

int pci_note(const char *name, const char *address, bool give_back, bool required)
{
	OWNED(drop_str) char *path = notes_path(name);
	OWNED(drop_str)
	char *line = text_format("%s" OBJECT "%" PRIu64 "%s%s", address, pci_object("", address),
				 give_back ? " give-back" : "", required ? " required" : "");

	return add_line(path, line);
}

int pci_notes_read(const char *name, struct words *ret)
{
	OWNED(drop_str) char *path = notes_path(name);

	return read_lines(path, ret);
}

void pci_notes_remove(const char *name)
{
	OWNED(drop_str) char *path = notes_path(name);

	(void)unlink(path);
}

void pci_note_cut(char *note)
{
	note[strcspn(note, " ")] = '\0';
}

bool pci_note_says(const char *note, const char *word)
{
	return strstr(note, word) != NULL;
}

bool pci_note_holds(const char *note)
{
	OWNED(drop_str) char *address = text_copy(note);
	const char *object = strstr(note, OBJECT);

	pci_note_cut(address);
	return object && strtoull(object + strlen(OBJECT), NULL, 10) == pci_object("", address);
}

int pci_note_lost(const char *name, const char *address)
{
	OWNED(drop_str) char *path = lost_path(name);

	return add_line(path, address);
}

int pci_take_lost(const char *name, struct words *ret)
{
	OWNED(drop_str) char *path = lost_path(name);
	int r = read_lines(path, ret);

	(void)unlink(path);
	return r;
}
