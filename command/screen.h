/* SPDX-License-Identifier: MIT */
/* screen.h: standard output as people read it: colours, and a pager for what is long. Both are only
 * for a terminal, as with systemctl(1). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum colour { PLAIN, GOOD, ATTENTION, BAD, FAINT, HEAD, COLOURS };

/* Whether people look at it: asked before a pager comes between. */
bool screen_is_terminal(void);

/* How wide a line on standard error may be that is drawn over; 0: none can be, as it is no terminal or $TERM is dumb. */
size_t screen_columns(void);
/* It is a terminal elsewhere, that somebody has told of. */
void screen_lend(size_t columns);

/* Between the two, standard output goes through $SYSTEMD_PAGER, $PAGER or less, if it is a terminal
 * and WANTED. Nothing is shown where it says "cat" or nothing. */
void screen_begin(bool wanted);
/* Shows it all and waits for the pager. Returns an exit_code: an output that cannot be written is
 * none. */
int screen_end(void);

/* What switches a colour on, or with PLAIN off; "" where there are none: standard output is no
 * terminal, or $NO_COLOR, $SYSTEMD_COLORS or $TERM say so. */
const char *screen_colour(enum colour colour);

/* How many columns a terminal gives to the text, which is what text_add_shown() made. */
size_t screen_width(const char *text);
