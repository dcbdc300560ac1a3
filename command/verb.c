/* SPDX-License-Identifier: MIT */
#include "verb.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define VERB(NAME, GROUP, ARGUMENTS, ARGUMENT, LEAST, MOST, HELP) \
	static const struct verb_option options_##NAME[] = {
#define OPTION(NAME, LETTER, VALUE, HELP) { NAME, LETTER, VALUE, HELP },
#define END(NAME) { "help", 'h', NULL, "print this" } };
#include "verbs.def"

#define VERB(NAME, GROUP, ARGUMENTS, ARGUMENT, LEAST, MOST, HELP)                       \
	{ #NAME, GROUP, ARGUMENTS, ARGUMENT, LEAST, MOST, HELP, verb_##NAME, options_##NAME, \
	  sizeof(options_##NAME) / sizeof(*options_##NAME) },
#define OPTION(NAME, LETTER, VALUE, HELP)
#define END(NAME)
const struct verb verbs[] = {
#include "verbs.def"
};
const size_t verb_count = sizeof(verbs) / sizeof(*verbs);

#define VERB(NAME, GROUP, ARGUMENTS, ARGUMENT, LEAST, MOST, HELP)
#define OPTION(NAME, LETTER, VALUE, HELP)
#define END(NAME) \
	static_assert(sizeof(options_##NAME) / sizeof(*options_##NAME) <= OPTIONS_MOST, "OPTIONS_MOST");
#include "verbs.def"

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < verb_count; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

const char *call_value(const struct call *call, const char *name)
{
	const struct verb *v = call->verb;

	for (size_t i = 0; i < v->option_count; i++)
		if (strcmp(v->options[i].name, name) == 0)
			return call->values[i];
	assert(!"an option of the verb");
	return NULL;
}

static void synopsis_add(struct text *t, const struct verb *v)
{
	text_addf(t, "microvm %s%s%s%s", v->name, v->option_count > 1 ? " [OPTION...]" : "",
		  *v->arguments ? " " : "", v->arguments);
}

static void option_print(const struct verb_option *o)
{
	OWNED(drop_text) struct text t = { 0 };

	if (o->letter)
		text_addf(&t, "-%c, ", o->letter);
	text_addf(&t, "--%s%s%s", o->name, o->value ? "=" : "", o->value ? o->value : "");
	printf("  %-24s  %s\n", t.at, o->help);
}

static int help(const struct verb *v)
{
	OWNED(drop_text) struct text synopsis = { 0 };

	synopsis_add(&synopsis, v);
	printf("%s\n\n%s: %s.\n\n", synopsis.at, v->name, v->help);
	for (size_t i = 0; i < v->option_count; i++)
		option_print(&v->options[i]);
	return EXIT_DONE;
}

static int usage(const struct verb *v)
{
	OWNED(drop_text) struct text t = { 0 };

	synopsis_add(&t, v);
	return log_usage(t.at);
}

/* The table as getopt_long(3) wants it; an option is told by its row. */
static void options_make(const struct verb *v, struct option *options, struct text *letters)
{
	/* What is not ours begins at the first argument. */
	text_add(letters, v->argument == ARGUMENT_COMMAND ? "+" : "");
	for (size_t i = 0; i < v->option_count; i++) {
		const struct verb_option *o = &v->options[i];

		options[i] = (struct option){ o->name, o->value ? required_argument : no_argument, NULL,
					      (int)i + 256 };
		if (o->letter)
			text_addf(letters, "%c%s", o->letter, o->value ? ":" : "");
	}
}

static int row_of(const struct verb *v, int c)
{
	for (int i = 0; i < (int)v->option_count; i++)
		if (c == i + 256 || (c && c == v->options[i].letter))
			return i;
	return -1;
}

int verb_call(const struct verb *v, int argc, char **argv)
{
	struct option options[OPTIONS_MOST + 1] = { 0 };
	OWNED(drop_text) struct text letters = { 0 };
	struct call call = { .verb = v };
	int c;

	options_make(v, options, &letters);
	while ((c = getopt_long(argc, argv, letters.at, options, NULL)) >= 0) {
		int row = row_of(v, c);

		if (row < 0)
			return EXIT_CALLED_WRONGLY;
		call.values[row] = optarg ? optarg : "";
	}
	if (call_has(&call, "help"))
		return help(v);
	call.arguments = argv + optind;
	call.count = argc - optind;
	if (call.count < v->least || (v->most != MANY && call.count > v->most))
		return usage(v);
	return v->run(&call);
}
