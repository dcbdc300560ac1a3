/* SPDX-License-Identifier: MIT */
/* completion.h: what completes the command line asks of the program (completions/). */
#pragma once

/* The table of commands, fields between tabs: "verb NAME ARGUMENT HELP", "option VERB LONG LETTER
 * VALUE HELP", "values VALUE WORDS" for values of which there are few. */
int verbs_print(void);

/* The names of all MicroVMs that have left any trace, without asking systemd. */
int names_print(void);
