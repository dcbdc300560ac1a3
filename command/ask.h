/* SPDX-License-Identifier: MIT */
/* ask.h: a question to who sits at the terminal. */
#pragma once

#include <stdbool.h>

/* Whether there is somebody: standard input and standard error are a terminal. */
bool can_ask(void);

/* Asks and waits for one of the letters of CHOICES, in lower case; an empty answer and the end of
 * input are the first. */
char ask(const char *question, const char *choices);
