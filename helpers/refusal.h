/* SPDX-License-Identifier: MIT */
/* refusal.h: starts that end with an explanation, because there is nothing to start. */
#pragma once

/* The template's own ExecStart=: nothing was generated for the name. */
int refuse_not_configured(const char *name);

/* What the generator writes for a file with mistakes; lines tell them. */
int refuse_broken(char **lines);
