/* SPDX-License-Identifier: MIT */
/* microvm receive: the other side of microvm deploy, which calls it by ssh. Says what is missing
 * here, and when that has come, puts it in force at once. Until then nothing is changed, and if it
 * does not come, nothing is kept. */
#include "receive.h"

#include "apply.h"
#include "configuration.h"
#include "deployed.h"
#include "draft.h"
#include "instance.h"
#include "received-volume.h"
#include "screen.h"
#include "verb.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../helpers/run-program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct arrival {
	struct deployed at;
	const char *version;
	mode_t mode;
	struct text conf;
	struct words volume_ids, volumes; /* that are not here: which, and where they belong */
};

static void drop_arrival(struct arrival *a)
{
	if (a->at.folder >= 0)
		(void)deployed_delete(&a->at, RECEIVE_FOLDER);
	drop_deployed(&a->at);
	drop_text(&a->conf);
	drop_words(&a->volume_ids);
	drop_words(&a->volumes);
}

static int check_host(void)
{
	OWNED(drop_words) struct words argv = { 0 };
	OWNED(drop_str) char *failure = NULL;

	if (geteuid() != 0)
		return log_refusal("who deploys has to log in as root");
	words_add(&argv, "rsync");
	words_add(&argv, "--version");
	failure = program_failure(program_run(&argv, NULL, -1), "rsync", "rsync");
	return failure ? log_refusal("%s", failure) : EXIT_DONE;
}

static int conf_read(struct text *ret)
{
	enum { MOST = 1 << 20 };
	char line[32], *end;
	size_t size;

	if (!fgets(line, sizeof(line), stdin))
		return EXIT_REFUSED;
	size = strtoul(line, &end, 10);
	if (*end != '\n' || size == 0 || size > MOST)
		return log_refusal("this is no microvm deploy that speaks");
	for (char c; ret->length < size && fread(&c, 1, 1, stdin) == 1;)
		text_add_bytes(ret, &c, 1);
	return ret->length == size ? EXIT_DONE : EXIT_REFUSED;
}

static int judge(struct arrival *a)
{
	OWNED(drop_configuration) struct configuration c = { 0 };
	OWNED(drop_draft) struct draft draft = { 0 };
	int r = draft_begin_with(a->at.name, a->at.target, a->conf.at, &draft);

	if (r == EXIT_DONE && !draft_fits(&draft))
		r = log_refusal("%s stays as it was", a->at.target);
	if (r == EXIT_DONE)
		r = configuration_read_with(a->at.name, a->at.target, draft.path, &c);
	if (r == EXIT_DONE)
		volumes_missing(&configuration_find(&c, a->at.name)->vm, &a->volume_ids,
				&a->volumes);
	return r;
}

static int room_make(const struct arrival *a)
{
	static const char *const folders[] = { RECEIVE_FOLDER, RECEIVE_FOLDER "/files",
					       RECEIVE_FOLDER "/volumes" };
	int r = deployed_delete(&a->at, RECEIVE_FOLDER);

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders) && r == EXIT_DONE; i++)
		if (mkdirat(a->at.folder, folders[i], 0755) < 0)
			r = log_failure(-errno, DEPLOYED "/%s/%s", a->at.name, folders[i]);
	return r;
}

static int wish(const struct arrival *a)
{
	OWNED(drop_str) char *current = deployed_current(&a->at);

	if (current)
		printf(RECEIVE_BASE "%s\n", current);
	if (!deployed_has(&a->at, a->version))
		puts(RECEIVE_FILES);
	for (size_t i = 0; i < a->volume_ids.count; i++)
		printf(RECEIVE_VOLUME "%s\n", a->volume_ids.at[i]);
	puts(RECEIVE_END);
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_REFUSED;
}

/* Whoever ended the other side knows that. */
static int wait_for_files(void)
{
	char line[sizeof(RECEIVE_END "\n")];

	return fgets(line, sizeof(line), stdin) && strcmp(line, RECEIVE_END "\n") == 0
		       ? EXIT_DONE
		       : EXIT_REFUSED;
}

static int conf_write(const struct arrival *a)
{
	OWNED(drop_str) char *name = text_format(RECEIVE_FOLDER "/%s.conf", a->at.name);
	int fd = openat(a->at.folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	OWNED(drop_file) FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (!f || fchmod(fd, a->mode) < 0 || fputs(a->conf.at, f) < 0 || fflush(f) != 0)
		return log_failure(-errno, DEPLOYED "/%s/%s", a->at.name, name);
	return EXIT_DONE;
}

static int volumes_install(const struct arrival *a)
{
	int r = EXIT_DONE;

	for (size_t i = 0; i < a->volumes.count && r == EXIT_DONE; i++) {
		OWNED(drop_str)
		char *name = text_format(RECEIVE_FOLDER "/volumes/%s", a->volume_ids.at[i]);

		r = volume_install(a->at.folder, name, a->at.name, a->volumes.at[i]);
	}
	return r;
}

/* A version that has its name is whole. */
static int version_make(const struct arrival *a)
{
	int r = deployed_delete(&a->at, RECEIVE_FOLDER "/volumes");

	if (r == EXIT_DONE)
		r = deployed_delete(&a->at, a->version);
	if (r == EXIT_DONE && renameat(a->at.folder, RECEIVE_FOLDER, a->at.folder, a->version) < 0)
		r = log_failure(-errno, DEPLOYED "/%s/%s", a->at.name, a->version);
	return r;
}

/* All is on the disk before any of it gets a name that counts. */
static int settle(const struct arrival *a, bool fresh)
{
	int r = fresh ? conf_write(a) : EXIT_DONE;

	if (r == EXIT_DONE && syncfs(a->at.folder) < 0)
		r = log_failure(-errno, DEPLOYED "/%s", a->at.name);
	return r;
}

static int put_in_force(const struct arrival *a)
{
	bool fresh = !deployed_has(&a->at, a->version);
	int r = settle(a, fresh);

	if (r == EXIT_DONE)
		r = volumes_install(a);
	if (r == EXIT_DONE && fresh)
		r = version_make(a);
	if (r == EXIT_DONE)
		r = deployed_put(&a->at, a->version);
	if (r != EXIT_DONE && fresh)
		(void)deployed_delete(&a->at, a->version);
	return r == EXIT_DONE ? deployed_tidy(&a->at) : r;
}

static int receive(struct arrival *a)
{
	int r = conf_read(&a->conf);

	if (r == EXIT_DONE)
		r = deployed_refuse_foreign(&a->at);
	if (r == EXIT_DONE)
		r = judge(a);
	if (r == EXIT_DONE)
		r = room_make(a);
	if (r == EXIT_DONE)
		r = wish(a);
	if (r == EXIT_DONE)
		r = wait_for_files();
	return r == EXIT_DONE ? put_in_force(a) : r;
}

/* Who reads it sits at another host. */
static void log_to_other_host(const struct call *call)
{
	const char *columns = call_value(call, "columns");
	static char program[sizeof("microvm on ") + HOST_NAME_MAX] = "microvm on ";

	(void)gethostname(program + strlen(program), HOST_NAME_MAX);
	log_to_people(program);
	screen_lend(columns ? strtoul(columns, NULL, 10) : 0);
}

static int arrival_check(const struct call *call, struct arrival *a)
{
	const char *mode = call_value(call, "mode");
	char *end = NULL;

	a->version = call->arguments[1];
	a->mode = mode ? (mode_t)strtoul(mode, &end, 8) : 0644;
	if (deployed_version_fits(a->version) && (!mode || (*mode && !*end && a->mode <= 0777)))
		return EXIT_DONE;
	return log_usage(
		"microvm receive [--restart] [--mode=MODE] [--columns=COLUMNS] NAME VERSION; microvm deploy calls it");
}

int verb_receive(const struct call *call)
{
	OWNED(drop_arrival) struct arrival a = { .at = NOTHING_DEPLOYED };
	OWNED(drop_str) char *name = NULL;
	int r;

	log_to_other_host(call);
	(void)umask(022);
	/* From when it is put in force, nobody's end is to keep it from being applied. */
	(void)signal(SIGPIPE, SIG_IGN);
	r = arrival_check(call, &a);
	if (r == EXIT_DONE)
		r = instance_name(call->arguments[0], &name);
	if (r == EXIT_DONE)
		r = check_host();
	if (r == EXIT_DONE)
		r = deployed_open(name, &a.at);
	if (r == EXIT_DONE)
		r = receive(&a);
	return r == EXIT_DONE ? apply(&(struct apply){ .only = name,
						       .restart = call_has(call, "restart") })
			      : r;
}
