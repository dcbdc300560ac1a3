/* SPDX-License-Identifier: MIT */
/* microvm-runner: begins the start of a MicroVM that a runner package runs (microvm@NAME.service), as root and
 * outside of its sandbox. The package may be another than systemd's generators saw, or one that they did not
 * see at all: then it has systemd make the units anew, and begin again with those. */
#include "refusal.h"
#include "run-program.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/arguments.h"
#include "../config/keys.h"
#include "../config/package.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

static const char usage[] = "microvm-runner NAME [PATH UNIT... -- WORD...]";

static void end(int signal)
{
	(void)signal;
	_exit(EXIT_DONE);
}

/* The words are ended by NULL. Returns systemctl's exit status, or -errno. */
static int systemctl(const char *const *words, char **more, size_t count)
{
	OWNED(drop_words) struct words argv = { 0 };

	words_add(&argv, "systemctl");
	for (; *words; words++)
		words_add(&argv, *words);
	for (size_t i = 0; i < count; i++)
		words_add(&argv, more[i]);
	return program_run(&argv, NULL, -1);
}

static int refuse_systemctl(int r, const char *what)
{
	if (r < 0)
		return log_failure(r, "cannot run systemctl");
	log_line(LEVEL_ERROR, "systemctl %s ended with status %d", what, r);
	return EXIT_REFUSED;
}

/* Whether there is a drop-in, be it one that says what is wrong. */
static bool is_seen(const char *name)
{
	OWNED(drop_str) char *folder = text_format("/run/systemd/generator/microvm@%s.service.d", name);

	return access(folder, F_OK) == 0;
}

static char *note_path(const char *name)
{
	return text_format("/run/microvm-install/%s.anew", name);
}

static bool note_says(const char *path, const char *text)
{
	OWNED(drop_file) FILE *f = fopen(path, "re");
	OWNED(drop_str) char *before = must(calloc(1, strlen(text) + 2));

	return f && fread(before, 1, strlen(text) + 1, f) == strlen(text) && strcmp(before, text) == 0;
}

static int note_write(const char *path, const char *text)
{
	OWNED(drop_file) FILE *f = fopen(path, "we");

	return f && fputs(text, f) >= 0 ? EXIT_DONE : log_failure(-errno, "%s", path);
}

/* Notes what the units are made anew for. Not a second time for the same: that would go on for ever. */
static int note_once(const char *name, const struct words *now)
{
	OWNED(drop_str) char *path = note_path(name);
	OWNED(drop_text) struct text note = { 0 };

	for (size_t i = 0; i < now->count; i++)
		text_addf(&note, "%s\n", now->at[i]);
	if (!note_says(path, note.at))
		return note_write(path, note.at);
	(void)unlink(path);
	log_line(LEVEL_ERROR, "microvm-generator does not see the package of %s as it is; journalctl -b -t "
			      "microvm-generator may tell why", name);
	return EXIT_REFUSED;
}

static void note_remove(const char *name)
{
	OWNED(drop_str) char *path = note_path(name);

	(void)unlink(path);
}

/* The job that started us becomes the one of the restart, so who waits for it goes on waiting. The restart
 * ends us. */
static int begin_anew(const char *name)
{
	OWNED(drop_str) char *unit = text_format("microvm@%s.service", name);
	int r = systemctl((const char *const[]){ "daemon-reload", NULL }, NULL, 0);

	if (r != 0)
		return refuse_systemctl(r, "daemon-reload");
	if (!is_seen(name)) {
		log_line(LEVEL_ERROR, "microvm-generator has made nothing of the package of %s: journalctl -b -t "
				      "microvm-generator tells", name);
		return EXIT_REFUSED;
	}
	r = systemctl((const char *const[]){ "--no-block", "restart", unit, NULL }, NULL, 0);
	if (r != 0)
		return refuse_systemctl(r, "restart");
	for (;;)
		(void)pause();
}

static int set_runner(struct microvm *vm, const char *path, struct problems *problems)
{
	const struct key *key = key_find(vm->section.kind, "runner");
	const struct spot spot = { .problems = problems, .place.file = path, .section = &vm->section,
				   .key = key, .name = vm->name };

	return key_set_literal(&spot, &vm->section, path);
}

static int look(struct microvm *vm, const char *path, struct problems *problems)
{
	OWNED(drop_str) char *program = NULL;

	vm->section.place.file = path;
	if (set_runner(vm, path, problems) < 0 || package_load("", vm, problems) < 0)
		return EXIT_NOT_CONFIGURED;
	if (!vm->runner_given) {
		log_line(LEVEL_ERROR, "runner: %s does not exist", path);
		return EXIT_REFUSED;
	}
	program = text_format("%s/" PACKAGE_RUN, vm->runner);
	return access(program, X_OK) < 0 ? log_failure(-errno, "runner: %s", program) : EXIT_DONE;
}

/* What the package says now, as the generator would tell it. */
static int words_now(const char *name, const char *path, struct words *ret)
{
	OWNED(drop_problems) struct problems problems = { 0 };
	OWNED(drop_microvm) struct microvm vm;
	int r;

	microvm_init(&vm, name);
	r = look(&vm, path, &problems);
	for (size_t i = 0; i < problems.errors.count; i++)
		log_line(LEVEL_ERROR, "%s", problems.errors.at[i]);
	arguments_write(&vm, FOR_RUNNER, ret);
	return r;
}

static bool are_equal(const struct words *a, char **b)
{
	for (size_t i = 0; i < a->count; i++, b++)
		if (!*b || strcmp(a->at[i], *b) != 0)
			return false;
	return !*b;
}

/* When the units were made anew in the middle of a boot, this start may be of a time when it had no others
 * to pull in. */
static int start_others(char **units, size_t count)
{
	int r = count > 0 ? systemctl((const char *const[]){ "start", NULL }, units, count) : 0;

	return r == 0 ? EXIT_DONE : refuse_systemctl(r, "start");
}

static int begin(const char *name, const char *path, char **units)
{
	OWNED(drop_words) struct words now = { 0 };
	size_t count = 0;
	int r = words_now(name, path, &now);

	if (r != EXIT_DONE)
		return r;
	while (units[count] && strcmp(units[count], "--") != 0)
		count++;
	if (!units[count] || !are_equal(&now, units + count + 1)) {
		r = note_once(name, &now);
		return r == EXIT_DONE ? begin_anew(name) : r;
	}
	note_remove(name);
	return start_others(units, count);
}

/* Nothing was made for this name: there is a package in its folder, or nothing at all. */
static int begin_unseen(const char *name)
{
	OWNED(drop_str) char *path = package_current(name);
	char *none[] = { NULL };

	if (access(path, F_OK) < 0)
		return refuse_not_configured(name);
	return begin(name, path, none);
}

/* "+" leaves the sandbox, and stays among its mounts, which hide the folders of MicroVMs. */
static int see_host(void)
{
	OWNED(drop_fd) int host = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);

	return host < 0 || setns(host, CLONE_NEWNS) < 0 ?
		       log_failure(-errno, "cannot enter the mount namespace of the host") :
		       EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct sigaction ends = { .sa_handler = end };

	(void)sigaction(SIGTERM, &ends, NULL);
	if (argc < 2 || *argv[1] == '-')
		return log_usage(usage);
	if (see_host() != EXIT_DONE)
		return EXIT_REFUSED;
	return argc == 2 ? begin_unseen(argv[1]) : begin(argv[1], argv[2], argv + 3);
}
