/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include "../common/owned.h"
#include "../common/text.h"

#include <string.h>
#include <systemd/sd-journal.h>

static void drop_journal(sd_journal **j)
{
	sd_journal_close(*j);
}

/* Behind an escape sequence of a terminal (ECMA-48); S is on its ESC. */
static const char *behind_sequence(const char *s)
{
	s++;
	if (*s != '[')
		return *s ? s + 1 : s;
	s += 1 + strspn(s + 1, "0123456789:;<=>?!\"#$%&'()*+,-./ ");
	return *s ? s + 1 : s;
}

static void line_clean(const char *line, struct text *ret)
{
	while (*line) {
		size_t n = text_shown_length(line);

		if (*line == '\033') {
			line = behind_sequence(line);
			continue;
		}
		text_add_bytes(ret, n ? line : *line == '\t' ? " " : "", n ? n : *line == '\t');
		line += n ? n : 1;
	}
}

static void entry_tell(sd_journal *j, line_handler *handler, void *context)
{
	OWNED(drop_text) struct text clean = { 0 };
	OWNED(drop_str) char *line = NULL;
	const void *data;
	uint64_t usec;
	size_t n;
	int r = sd_journal_get_realtime_usec(j, &usec);

	if (r >= 0)
		r = sd_journal_get_data(j, "MESSAGE", &data, &n);
	if (r < 0)
		return;
	line = text_format("%.*s", (int)n, (const char *)data);
	line_clean(line + strcspn(line, "=") + 1, &clean);
	handler(context, usec, clean.at ? clean.at : "");
}

int journal_last(const char *unit, size_t lines, line_handler *handler, void *context)
{
	OWNED(drop_journal) sd_journal *j = NULL;
	OWNED(drop_str) char *match = text_format("_SYSTEMD_UNIT=%s", unit);
	int r = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);

	if (r >= 0)
		r = sd_journal_add_match(j, match, 0);
	if (r >= 0)
		r = sd_journal_seek_tail(j);
	if (r >= 0 && lines > 0)
		r = sd_journal_previous_skip(j, lines);
	while (r > 0 && lines-- > 0) {
		entry_tell(j, handler, context);
		r = sd_journal_next(j);
	}
	return r < 0 ? r : 0;
}
