/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <stdio.h>

enum { GAP = 2 };

void table_begin(struct table *t, const char *const *headers)
{
	*t = (struct table){ 0 };
	for (; headers[t->columns]; t->columns++)
		table_add(t, HEAD, headers[t->columns]);
}

void table_add(struct table *t, enum colour colour, const char *text)
{
	struct text shown = { 0 };

	text_add_shown(&shown, text);
	t->cells = must(reallocarray(t->cells, t->count + 1, sizeof(*t->cells)));
	t->cells[t->count++] = (struct cell){ shown.at, colour };
}

void table_addf(struct table *t, enum colour colour, const char *format, ...)
{
	OWNED(drop_str) char *text = NULL;
	va_list args;

	va_start(args, format);
	text = text_format_args(format, args);
	va_end(args);
	table_add(t, colour, text);
}

static const char *cell_text(const struct cell *c)
{
	return c->text ? c->text : "";
}

static size_t column_width(const struct table *t, size_t column, size_t first)
{
	size_t most = 0;

	for (size_t i = first + column; i < t->count; i += t->columns) {
		size_t width = screen_width(cell_text(&t->cells[i]));

		most = width > most ? width : most;
	}
	return most;
}

static void cell_print(const struct cell *c, size_t width, bool last)
{
	const char *text = cell_text(c);
	size_t fill = last ? 0 : width - screen_width(text);

	if (c->colour == PLAIN)
		(void)fputs(text, stdout);
	else
		printf("%s%s%s", screen_colour(c->colour), text, screen_colour(PLAIN));
	if (!last)
		printf("%*s", (int)fill + GAP, "");
}

void table_print(const struct table *t, bool headers)
{
	size_t first = headers ? 0 : t->columns;
	size_t *widths = must(calloc(t->columns, sizeof(*widths)));

	for (size_t i = 0; i < t->columns; i++)
		widths[i] = column_width(t, i, first);
	for (size_t i = first; i < t->count; i++) {
		size_t column = i % t->columns;
		bool last = column + 1 == t->columns;

		cell_print(&t->cells[i], widths[column], last);
		if (last)
			(void)putchar('\n');
	}
	free(widths);
}

void drop_table(struct table *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i].text);
	free(t->cells);
	*t = (struct table){ 0 };
}
