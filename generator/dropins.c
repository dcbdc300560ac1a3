/* SPDX-License-Identifier: MIT */
#include "dropins.h"

#include "companions.h"
#include "devices.h"
#include "credentials.h"
#include "microvm-unit.h"
#include "renewal.h"
#include "shares.h"
#include "unit.h"
#include "vsock.h"
#include "../common/digest.h"
#include "../common/escape.h"
#include "../common/owned.h"
#include "../config/sources.h"
#include "../hypervisors/guest-stop.h"
#include "paths.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static int write_dropin(const struct sink *sink, const char *template, const char *instance,
			const struct text *u)
{
	OWNED(drop_str) char *escaped = escape_instance(instance);
	OWNED(drop_str) char *unit = text_format("%s@%s.service", template, escaped);

	return sink_dropin(sink, unit, u->at);
}

static void unit_settings_of_user(struct text *u, const struct microvm *vm)
{
	OWNED(drop_str) char *own = microvm_user_of(vm->name);
	OWNED(drop_str) char *usual = text_format("vm-%s", vm->name);

	if (vm->user) {
		unit_set(u, "User", vm->user);
		unit_set(u, "DynamicUser", "no");
	} else if (strcmp(own, usual) != 0) {
		unit_set(u, "User", own);
	}
}

/* Also where one runs that was made of another file. */
static void unit_stop(struct text *u, const struct microvm *vm, const struct running *running)
{
	if (guest_stop_wanted(vm) || running->stops_inside)
		vsock_stop_lines(u, vm->name, vm->vsock.cid);
}

static int write_microvm(const struct sink *sink, const struct microvm *vm, const struct running *running)
{
	OWNED(drop_text) struct text u = { 0 };

	unit_begin(&u, vm->section.place.file);
	microvm_unit_lines(&u, vm);
	unit_section(&u, "Service");
	unit_settings_of_user(&u, vm);
	microvm_service_lines(&u, vm);
	*sink->digest = digest_add_text(*sink->digest, u.at);
	unit_stop(&u, vm, running);
	unit_setf(&u, "Environment", "MICROVM_MADE=%016" PRIx64, *sink->digest);
	return write_dropin(&(struct sink){ sink->folder, NULL }, "microvm", vm->name, &u);
}

static int write_companion(const struct sink *sink, const struct microvm *vm,
			   const struct companion *c)
{
	OWNED(drop_text) struct text u = { 0 };
	OWNED(drop_words) struct words words = { 0 };
	OWNED(drop_str) char *helper = text_format("%s/%s", HELPERDIR, c->helper);

	unit_begin(&u, vm->section.place.file);
	if (c->unit)
		c->unit(&u, vm);
	unit_section(&u, "Service");
	unit_settings_of_user(&u, vm);
	if (c->service)
		c->service(&u, vm);
	words_add(&words, vm->name);
	arguments_write(vm, c->audience, &words);
	unit_set(&u, "ExecStart", "");
	unit_exec(&u, "ExecStart", c->prefix, helper, &words);
	return write_dropin(sink, c->template, vm->name, &u);
}

static int write_renewal(const struct sink *sink, const struct microvm *vm)
{
	OWNED(drop_text) struct text u = { 0 };

	if (!needs_renewal(vm))
		return 0;
	unit_begin(&u, vm->section.place.file);
	renewal_unit(&u, vm);
	return write_dropin(sink, "microvm-renew", vm->name, &u);
}

static int link_autostart(const struct sink *sink, const struct microvm *vm)
{
	OWNED(drop_str) char *instance = escape_instance(vm->name);
	OWNED(drop_str) char *unit = text_format("microvm@%s.service", instance);

	if (!vm->autostart)
		return 0;
	return sink_link(sink, "microvms.target.wants", unit, UNITDIR "/microvm@.service");
}

int dropins_write(const struct sink *to, const struct microvm *vm, const struct running *running, uint64_t *digest)
{
	const struct sink sink = { to->folder, digest };
	int r = 0;

	*digest = DIGEST_OF_NOTHING;
	for (size_t i = 0; i < companion_count && r == 0; i++)
		if (companions[i].wanted(vm))
			r = write_companion(&sink, vm, &companions[i]);
	if (r == 0)
		r = write_renewal(&sink, vm);
	if (r == 0)
		r = shares_write(&sink, vm);
	if (r == 0)
		r = credentials_write(&sink, vm);
	if (r == 0)
		r = devices_link(&sink, vm);
	if (r == 0)
		r = disks_watch(&sink, vm);
	/* Last, because of the digest. */
	if (r == 0)
		r = write_microvm(&sink, vm, running);
	return r == 0 ? link_autostart(&sink, vm) : r;
}

/* UIDs of dynamic users (systemd.io/UIDS-GIDS). */
static bool is_dynamic(long uid)
{
	return uid >= 61184 && uid <= 65519;
}

/* The stop of a running MicroVM must run as who it runs as, whatever the file says by now. */
static void unit_user_of_running(struct text *u, const char *name, const struct running *running)
{
	OWNED(drop_str) char *own = microvm_user_of(name);
	OWNED(drop_str) char *usual = text_format("vm-%s", name);

	if (running->uid >= 0 && !is_dynamic(running->uid)) {
		unit_setf(u, "User", "%ld", running->uid);
		unit_set(u, "DynamicUser", "no");
	} else if (!microvm_name_fits(name)) {
		unit_set(u, "User", "");
	} else if (strcmp(own, usual) != 0) {
		unit_set(u, "User", own);
	}
}

static void unit_stop_of_running(struct text *u, const char *name, const struct running *running)
{
	unit_user_of_running(u, name, running);
	if (running->stop_seconds > 0)
		unit_setf(u, "TimeoutStopSec", "%lus", running->stop_seconds + STOP_RESERVE_SECONDS);
	if (running->stops_inside)
		vsock_stop_lines(u, name, NULL);
}

/* What was prepared for a MicroVM that runs is taken back as the same user; where that is the template's,
 * nothing has to be said. */
static int write_companions_of_running(const struct sink *sink, const char *name,
				       const struct running *running)
{
	OWNED(drop_text) struct text u = { 0 };
	size_t before;
	int r = 0;

	unit_begin(&u, NULL);
	unit_section(&u, "Service");
	before = u.length;
	unit_user_of_running(&u, name, running);
	if (running->uid < 0 || u.length == before)
		return 0;
	for (size_t i = 0; i < companion_count && r == 0; i++)
		r = write_dropin(sink, companions[i].template, name, &u);
	return r;
}

/* What systemctl status could ever show; systemd reads no line of more than 1 MiB. */
enum { LINES_TOLD = 100 };

static void add_lines(struct words *words, const struct words *lines)
{
	for (size_t i = 0; i < lines->count && i < LINES_TOLD; i++)
		words_add(words, lines->at[i]);
	if (lines->count > LINES_TOLD)
		words_addf(words, "and %zu errors more; microvm check lists them all",
			   lines->count - LINES_TOLD);
}

/* A file's name can be longer than a unit's; then its error is in the log alone. */
static bool unit_can_be_named(const char *name)
{
	OWNED(drop_str) char *escaped = escape_instance(name);

	return strlen(escaped) + strlen("microvm@.service.d") <= NAME_MAX;
}

int dropins_write_broken(const struct sink *sink, const struct microvm *vm,
			 const struct running *running, const struct words *lines)
{
	OWNED(drop_text) struct text u = { 0 };
	OWNED(drop_words) struct words words = { 0 };
	int r;

	if (!unit_can_be_named(vm->name))
		return 0;
	unit_begin(&u, vm->section.place.file);
	unit_section(&u, "Service");
	unit_stop_of_running(&u, vm->name, running);
	words_add(&words, "--broken");
	words_add(&words, vm->name);
	add_lines(&words, lines);
	/* Before the main process, as in the template. */
	unit_set(&u, "ExecStartPre", "");
	unit_exec(&u, "ExecStartPre", "", HELPERDIR "/microvm-run", &words);
	r = write_dropin(sink, "microvm", vm->name, &u);
	if (r == 0)
		r = write_companions_of_running(sink, vm->name, running);
	return r == 0 ? link_autostart(sink, vm) : r;
}

int dropins_write_removed(const struct sink *sink, const char *name, const struct running *running)
{
	OWNED(drop_text) struct text u = { 0 };
	OWNED(drop_str) char *title = text_format("MicroVM %s (its configuration is gone)", name);
	int r;

	unit_begin(&u, NULL);
	unit_text(&u, "Description", title);
	unit_section(&u, "Service");
	unit_stop_of_running(&u, name, running);
	r = write_dropin(sink, "microvm", name, &u);
	return r == 0 ? write_companions_of_running(sink, name, running) : r;
}
