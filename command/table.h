/* SPDX-License-Identifier: MIT */
/* table.h: rows in columns that line up. */
#pragma once

#include "screen.h"

struct cell {
	char *text; /* as it can be shown */
	enum colour colour;
};

struct table {
	size_t columns;
	struct cell *cells; /* row by row */
	size_t count;
};

/* The headers are the first row, up to NULL. */
void table_begin(struct table *t, const char *const *headers);
/* The next cell. Text of a user or guest cannot do anything to the terminal. */
void table_add(struct table *t, enum colour colour, const char *text);
void table_addf(struct table *t, enum colour colour, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void table_print(const struct table *t, bool headers);
void drop_table(struct table *t);
