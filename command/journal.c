/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include "screen.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <time.h>

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

static void line_print(uint64_t usec, const char *line)
{
	OWNED(drop_text) struct text clean = { 0 };
	time_t seconds = (time_t)(usec / 1000000);
	char when[32] = "";
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		(void)strftime(when, sizeof(when), "%b %d %H:%M:%S", &tm);
	line_clean(line, &clean);
	printf("  %s%s%s %s\n", screen_colour(FAINT), when, screen_colour(PLAIN),
	       clean.at ? clean.at : "");
}

static int entry_print(sd_journal *j)
{
	OWNED(drop_str) char *line = NULL;
	const void *data;
	uint64_t usec;
	size_t n;
	int r = sd_journal_get_realtime_usec(j, &usec);

	if (r >= 0)
		r = sd_journal_get_data(j, "MESSAGE", &data, &n);
	if (r < 0)
		return 0;
	line = text_format("%.*s", (int)n, (const char *)data);
	line_print(usec, line + strcspn(line, "=") + 1);
	return 0;
}

int journal_print_last(const char *unit, size_t lines)
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
		(void)entry_print(j);
		r = sd_journal_next(j);
	}
	return r < 0 ? r : 0;
}
