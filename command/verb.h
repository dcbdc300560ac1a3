/* SPDX-License-Identifier: MIT */
/* verb.h: what "microvm VERB" is, and one call of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Those that are not for people come last. */
enum verb_group { LOOKING, RUNNING, CONFIGURATION, SYSTEMCTLS, VERB_GROUPS, UNLISTED = VERB_GROUPS };

/* What the arguments are, for who completes them. */
enum verb_argument {
	ARGUMENT_NONE,
	ARGUMENT_NAME,    /* a MicroVM */
	ARGUMENT_NAMES,   /* several */
	ARGUMENT_NEW,     /* the name of one that is not there yet */
	ARGUMENT_FILE,
	ARGUMENT_COMMAND, /* a MicroVM, then words that are not ours */
	ARGUMENT_HOST,    /* another host, then a MicroVM */
	ARGUMENTS,
};

enum { MANY = -1, OPTIONS_MOST = 16 };

struct verb_option {
	const char *name;
	char letter; /* 0: none */
	const char *value; /* what it takes, for people; NULL: nothing */
	const char *help;
};

struct verb;

struct call {
	const struct verb *verb;
	char **arguments; /* ended by NULL */
	int count;
	const char *values[OPTIONS_MOST]; /* by the verb's option; NULL: not given */
};

struct verb {
	const char *name;
	enum verb_group group;
	const char *arguments;
	enum verb_argument argument;
	int least, most;
	const char *help;
	int (*run)(const struct call *call); /* returns an exit_code */
	const struct verb_option *options;
	size_t option_count;
};

extern const struct verb verbs[];
extern const size_t verb_count;

/* NULL if there is none of that name. */
const struct verb *verb_find(const char *name);

/* Reads argv, of which argv[0] is the verb, and runs it. Returns an exit_code. */
int verb_call(const struct verb *verb, int argc, char **argv);

/* What an option was given: "" for one that takes nothing, NULL if it was not. NAME is one of the verb's. */
const char *call_value(const struct call *call, const char *name);
static inline bool call_has(const struct call *call, const char *name)
{
	return call_value(call, name);
}

/* One for each row of verbs.def. */
#define VERB(NAME, GROUP, ARGUMENTS, ARGUMENT, LEAST, MOST, HELP) int verb_##NAME(const struct call *call);
#define OPTION(NAME, LETTER, VALUE, HELP)
#define END(NAME)
#include "verbs.def"
