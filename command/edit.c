/* SPDX-License-Identifier: MIT */
#include "verb.h"

#include "ask.h"
#include "configuration.h"
#include "draft.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* As systemctl edit chooses it. */
static void editor_find(struct words *ret)
{
	static const char *const variables[] = { "SYSTEMD_EDITOR", "EDITOR", "VISUAL" };

	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		const char *told = getenv(variables[i]);

		if (told && *told && words_split(ret, told) == 0 && ret->count > 0)
			return;
		words_clear(ret);
	}
}

static void editor_become(const struct words *told, const char *path)
{
	static const char *const known[] = { "editor", "nano", "vim", "vi" };
	OWNED(drop_words) struct words argv = { 0 };

	words_add_all(&argv, told);
	words_add(&argv, path);
	if (told->count > 0)
		(void)execvp(argv.at[0], argv.at);
	for (size_t i = 0; told->count == 0 && i < sizeof(known) / sizeof(*known); i++)
		(void)execlp(known[i], known[i], path, NULL);
	log_line(LEVEL_ERROR, "there is no editor %s; set $EDITOR", told->count ? told->at[0] : "");
	_exit(EXIT_REFUSED);
}

static int editor_run(const char *path)
{
	OWNED(drop_words) struct words told = { 0 };
	int status;
	pid_t pid;

	editor_find(&told);
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0)
		editor_become(&told, path);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return EXIT_DONE;
	log_line(LEVEL_ERROR, "the editor failed; nothing is saved");
	return EXIT_REFUSED;
}

/* Until it is good, or nobody wants to go on. */
static int edit_until_it_fits(const struct draft *d)
{
	for (;;) {
		int r = editor_run(d->path);

		if (r != EXIT_DONE || draft_fits(d))
			return r;
		if (!can_ask() || ask("Edit again? [Y/n]", "yn") == 'n') {
			log_line(LEVEL_ERROR, "%s stays as it was", d->target);
			return EXIT_REFUSED;
		}
	}
}

static int edit(struct draft *d)
{
	int r = edit_until_it_fits(d);

	if (r != EXIT_DONE)
		return r;
	if (!draft_differs(d)) {
		log_line(LEVEL_NOTICE, "%s: nothing was changed", d->target);
		return EXIT_DONE;
	}
	r = draft_save(d);
	if (r == EXIT_DONE)
		log_line(
			LEVEL_NOTICE,
			"%s is saved; microvm apply, or systemctl daemon-reload, lets systemd know",
			d->target);
	return r;
}

/* What packages ship is not edited: a file of the same name in the first folder stands for it. */
static int draft_of(const struct configured *one, bool dropin, struct draft *ret)
{
	OWNED(drop_words) struct words folders = { 0 };
	OWNED(drop_str) char *target = NULL;
	OWNED(drop_text) struct text content = { 0 };
	const char *name = one->source->name;
	int r = 0;

	sources_folders(&folders);
	target = text_format("%s/%s.conf%s", folders.at[0], name, dropin ? ".d/override.conf" : "");
	if (dropin)
		text_addf(
			&content,
			"# What this says counts more than %s; microvm cat %s shows the whole.\n\n",
			one->source->shown, name);
	else
		r = file_text(one->source->shown, &content);
	if (r < 0)
		return log_failure(r, "%s", one->source->shown);
	return draft_begin(name, target, content.at, ret);
}

int verb_edit(const struct call *call)
{
	OWNED(drop_configuration) struct configuration c = { 0 };
	OWNED(drop_draft) struct draft d = { 0 };
	OWNED(drop_str) char *name = NULL;
	struct configured *one;
	int r = configuration_of(call->arguments[0], &name, &c, &one);

	if (r == EXIT_DONE)
		r = draft_of(one, call_has(call, "drop-in"), &d);
	return r == EXIT_DONE ? edit(&d) : r;
}
