/* SPDX-License-Identifier: MIT */
#include "verb.h"

#include "configuration.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/arguments.h"
#include "../config/keys.h"
#include "paths.h"

#include <errno.h>
#include <grp.h>
#include <string.h>

enum { NOBODY = 65534 };

/* To print is no reason to run a hypervisor, which microvm-run asks for its version, as root;
 * /dev/kvm is looked at as the unit would. */
static int become_nobody(void)
{
	const struct group *kvm = getgrnam("kvm");

	if (geteuid() != 0)
		return 0;
	if (setgroups(kvm ? 1 : 0, kvm ? &kvm->gr_gid : NULL) < 0 || setgid(NOBODY) < 0 ||
	    setuid(NOBODY) < 0)
		return -errno;
	return 0;
}

static int print(struct microvm *vm, bool config)
{
	static const char program[] = HELPERDIR "/microvm-run";
	OWNED(drop_words) struct words words = { 0 };
	int r;

	if (vm->extra_args_script) {
		log_line(LEVEL_NOTICE, "at each start, %s adds arguments to these",
			 vm->extra_args_script);
		key_place(key_find(vm->section.kind, "extraArgsScript"), &vm->section)->file = NULL;
	}
	words_add(&words, program);
	words_add(&words, config ? "--print-config" : "--print-shell");
	words_add(&words, vm->name);
	arguments_write(vm, FOR_RUN, &words);
	r = become_nobody();
	if (r < 0)
		return log_failure(r, "cannot become nobody");
	(void)execv(program, words.at);
	return log_failure(-errno, "%s", program);
}

int verb_command(const struct call *call)
{
	OWNED(drop_configuration) struct configuration c = { 0 };
	OWNED(drop_str) char *name = NULL;
	struct configured *one;
	int r = configuration_of(call->arguments[0], &name, &c, &one);

	if (r != EXIT_DONE || configured_refused(one))
		return EXIT_REFUSED;
	return print(&one->vm, call_has(call, "config"));
}
