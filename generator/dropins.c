/* SPDX-License-Identifier: MIT */
#include "dropins.h"

#include "unit.h"
#include "../common/escape.h"
#include "../common/owned.h"
#include "../config/arguments.h"
#include "../config/keys.h"
#include "../config/sources.h"
#include "../hypervisors/hypervisor.h"
#include "paths.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static const char *const drop_in = "50-microvm.conf";

/* What microvm-shutdown needs beyond the time that the guest has: to connect, to tell, to end. */
static const unsigned long stop_reserve = 15;

static int write_dropin(const struct sink *sink, const char *template, const char *instance,
			const struct text *u)
{
	OWNED(drop_str) char *escaped = escape_instance(instance);
	OWNED(drop_str) char *folder = text_format("%s@%s.service.d", template, escaped);

	return sink_file(sink, folder, drop_in, u->at);
}

static void unit_begin(struct text *u, const char *source)
{
	OWNED(drop_str) char *here = NULL;
	OWNED(drop_str) char *absolute = NULL;

	text_add(u, "# Made by microvm-generator");
	if (source) {
		here = *source == '/' ? NULL : getcwd(NULL, 0);
		absolute = here ? text_format("%s/%s", here, source) : text_copy(source);
		text_addf(u, " from %s; edit that file instead", absolute);
	}
	text_add(u, ".\n[Unit]\n");
	if (absolute)
		unit_text(u, "SourcePath", absolute);
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

static bool needs_state_dir(const struct microvm *vm)
{
	return vm->volumes.count > 0 || vm->pre_start.count > 0 || vm->extra_args_script ||
	       vm->state_dir;
}

static bool has_net(const struct microvm *vm, enum net type)
{
	for (each(struct interface, i, vm->interfaces))
		if (i->type == type)
			return true;
	return false;
}

static void path_once(struct words *paths, const char *path)
{
	if (path && *path && !words_have(paths, path))
		words_add(paths, path);
}

/* Paths whose mounts are to be there: the state folder, the images, with KERNEL what boots, too. */
static void unit_mounts(struct text *u, const struct microvm *vm, bool kernel)
{
	OWNED(drop_words) struct words paths = { 0 };
	OWNED(drop_str) char *state = microvm_state_dir(vm);

	if (needs_state_dir(vm))
		path_once(&paths, state);
	for (each(struct volume, v, vm->volumes))
		if (v->image && *v->image == '/')
			path_once(&paths, v->image);
	if (kernel) {
		path_once(&paths, vm->kernel);
		path_once(&paths, vm->initrd_path);
	}
	unit_words(u, "RequiresMountsFor", &paths);
}

static bool starts_with(const char *s, const char *start)
{
	return strncmp(s, start, strlen(start)) == 0;
}

/* Folders that the unit does not see by itself: ProtectHome=tmpfs, PrivateTmp=. */
static bool hidden(const char *path)
{
	return starts_with(path, "/home/") || starts_with(path, "/root/") ||
	       starts_with(path, "/run/user/") || starts_with(path, "/tmp/") ||
	       starts_with(path, "/var/tmp/");
}

static void bind_hidden(struct text *u, const char *path)
{
	if (path && hidden(path))
		unit_bind(u, "BindReadOnlyPaths", path);
}

static void unit_files(struct text *u, const struct microvm *vm)
{
	OWNED(drop_str) char *state = microvm_state_dir(vm);

	if (needs_state_dir(vm)) {
		unit_bind(u, "BindPaths", state);
		unit_text(u, "WorkingDirectory", state);
	}
	for (each(struct volume, v, vm->volumes)) {
		if (!v->image || *v->image != '/')
			continue;
		if (!v->read_only)
			unit_bind(u, "BindPaths", v->image);
		else
			bind_hidden(u, v->image);
	}
	bind_hidden(u, vm->kernel);
	bind_hidden(u, vm->initrd_path);
	bind_hidden(u, vm->extra_args_script);
	bind_hidden(u, hypervisors[vm->hypervisor]->package(vm));
}

/* The template has no network at all; what is not asked for stays closed. */
static void unit_network(struct text *u, const struct microvm *vm)
{
	if (!has_net(vm, NET_USER))
		return;
	unit_set(u, "PrivateNetwork", "no");
	unit_set(u, "RestrictAddressFamilies", "AF_INET AF_INET6");
	unit_set(u, "IPAddressDeny", "");
}

static void unit_span(struct text *u, const char *key, uint64_t usec)
{
	if (usec % 1000000 == 0)
		unit_setf(u, key, "%" PRIu64 "s", usec / 1000000);
	else
		unit_setf(u, key, "%" PRIu64 "us", usec);
}

static void unit_times(struct text *u, const struct microvm *vm)
{
	unit_span(u, "TimeoutStartSec", vm->startup_timeout);
	unit_span(u, "TimeoutStopSec", vm->shutdown_timeout + stop_reserve * 1000000);
}

static void unit_restart(struct text *u, const struct microvm *vm)
{
	static const char *const settings[RESTARTS] = { "always", "on-failure", "no" };

	unit_set(u, "Restart", section_sets(&vm->section, "restart") ?
				       settings[vm->restart] :
				       hypervisors[vm->hypervisor]->restart);
}

static void unit_commands(struct text *u, const struct microvm *vm)
{
	OWNED(drop_words) struct words run = { 0 };
	OWNED(drop_words) struct words control = { 0 };

	for (size_t i = 0; i < vm->pre_start.count; i++) {
		OWNED(drop_words) struct words shell = { 0 };

		words_add(&shell, "-c");
		words_add(&shell, vm->pre_start.at[i]);
		unit_exec(u, "ExecStartPre", "", "/bin/sh", &shell);
	}
	words_add(&run, vm->name);
	arguments_write(vm, FOR_RUN, &run);
	unit_set(u, "ExecStart", "");
	unit_exec(u, "ExecStart", "", HELPERDIR "/microvm-run", &run);
	if (vm->readiness == READINESS_NONE)
		return;
	words_add(&control, vm->name);
	arguments_write(vm, FOR_CONTROL, &control);
	unit_exec(u, "ExecStartPost", "", HELPERDIR "/microvm-ready", &control);
}

/* "db" is a MicroVM, "postgresql.service" a unit. */
static void unit_names_of(const struct words *names, struct words *ret)
{
	for (size_t i = 0; i < names->count; i++)
		if (microvm_name_fits(names->at[i]))
			words_addf(ret, "microvm@%s.service", names->at[i]);
		else
			words_add(ret, names->at[i]);
}

static void unit_order(struct text *u, const struct microvm *vm)
{
	OWNED(drop_words) struct words requires = { 0 };
	OWNED(drop_words) struct words after = { 0 };

	if (needs_state_dir(vm))
		words_addf(&requires, "install-microvm@%s.service", vm->name);
	unit_names_of(&vm->requires, &requires);
	words_add_all(&after, &requires);
	unit_names_of(&vm->after, &after);
	unit_names(u, "Requires", &requires);
	unit_names(u, "After", &after);
}

static int write_microvm(const struct sink *sink, const struct microvm *vm)
{
	OWNED(drop_text) struct text u = { 0 };

	unit_begin(&u, vm->section.place.file);
	unit_order(&u, vm);
	unit_mounts(&u, vm, true);
	unit_section(&u, "Service");
	unit_settings_of_user(&u, vm);
	unit_times(&u, vm);
	unit_restart(&u, vm);
	unit_network(&u, vm);
	unit_files(&u, vm);
	unit_commands(&u, vm);
	return write_dropin(sink, "microvm", vm->name, &u);
}

static int write_install(const struct sink *sink, const struct microvm *vm)
{
	OWNED(drop_text) struct text u = { 0 };
	OWNED(drop_words) struct words words = { 0 };

	if (!needs_state_dir(vm))
		return 0;
	unit_begin(&u, vm->section.place.file);
	unit_mounts(&u, vm, false);
	unit_section(&u, "Service");
	unit_settings_of_user(&u, vm);
	words_add(&words, vm->name);
	arguments_write(vm, FOR_INSTALL, &words);
	unit_set(&u, "ExecStart", "");
	unit_exec(&u, "ExecStart", "!", HELPERDIR "/install-microvm", &words);
	return write_dropin(sink, "install-microvm", vm->name, &u);
}

static int link_autostart(const struct sink *sink, const struct microvm *vm)
{
	OWNED(drop_str) char *instance = escape_instance(vm->name);
	OWNED(drop_str) char *unit = text_format("microvm@%s.service", instance);

	if (!vm->autostart)
		return 0;
	return sink_link(sink, "microvms.target.wants", unit, UNITDIR "/microvm@.service");
}

int dropins_write(const struct sink *sink, const struct microvm *vm)
{
	int r = write_microvm(sink, vm);

	if (r == 0)
		r = write_install(sink, vm);
	return r == 0 ? link_autostart(sink, vm) : r;
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
	if (running->stop_seconds > 0)
		unit_setf(u, "TimeoutStopSec", "%lus", running->stop_seconds + stop_reserve);
}

int dropins_write_broken(const struct sink *sink, const struct microvm *vm,
			 const struct running *running, const struct words *lines)
{
	OWNED(drop_text) struct text u = { 0 };
	OWNED(drop_words) struct words words = { 0 };
	int r;

	unit_begin(&u, vm->section.place.file);
	unit_section(&u, "Service");
	unit_user_of_running(&u, vm->name, running);
	words_add(&words, "--broken");
	words_add(&words, vm->name);
	words_add_all(&words, lines);
	unit_set(&u, "ExecStart", "");
	unit_exec(&u, "ExecStart", "", HELPERDIR "/microvm-run", &words);
	r = write_dropin(sink, "microvm", vm->name, &u);
	return r == 0 ? link_autostart(sink, vm) : r;
}

int dropins_write_removed(const struct sink *sink, const char *name, const struct running *running)
{
	OWNED(drop_text) struct text u = { 0 };
	OWNED(drop_str) char *title = text_format("MicroVM %s (its configuration is gone)", name);

	unit_begin(&u, NULL);
	unit_text(&u, "Description", title);
	unit_section(&u, "Service");
	unit_user_of_running(&u, name, running);
	return write_dropin(sink, "microvm", name, &u);
}
