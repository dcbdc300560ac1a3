/* SPDX-License-Identifier: MIT */
#include "microvm-unit.h"

#include "companions.h"
#include "devices.h"
#include "credentials.h"
#include "dropins.h"
#include "networks.h"
#include "renewal.h"
#include "shares.h"
#include "unit.h"
#include "vsock.h"
#include "../common/owned.h"
#include "../config/keys.h"
#include "../config/sources.h"
#include "../hypervisors/hypervisor.h"
#include "paths.h"

#include <inttypes.h>
#include <string.h>

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

void bind_hidden(struct text *u, const char *path)
{
	if (path && hidden(path))
		unit_bind(u, "BindReadOnlyPaths", path);
}

static void unit_volume_device(struct text *u, const struct microvm *vm, const struct volume *v)
{
	OWNED(drop_str) char *path = volume_path(vm, v);

	unit_device(u, path, v->read_only ? "r" : "rw");
}

static void unit_files(struct text *u, const struct microvm *vm)
{
	const struct hypervisor *h = hypervisor_of(vm);
	OWNED(drop_str) char *state = microvm_state_dir(vm);
	OWNED(drop_words) struct words more = { 0 };

	if (needs_state_dir(vm)) {
		unit_bind(u, "BindPaths", state);
		unit_text(u, "WorkingDirectory", state);
	}
	for (each(struct volume, v, vm->volumes)) {
		if (volume_is_device(v))
			unit_volume_device(u, vm, v);
		if (!v->image || *v->image != '/' || volume_is_device(v))
			continue;
		if (!v->read_only)
			unit_bind(u, "BindPaths", v->image);
		else
			bind_hidden(u, v->image);
	}
	bind_hidden(u, vm->kernel);
	bind_hidden(u, vm->initrd_path);
	bind_hidden(u, vm->firmware);
	if (vm->runner && (hidden(vm->runner) || starts_with(vm->runner, "/var/lib/microvms/")))
		unit_bind(u, "BindReadOnlyPaths", vm->runner);
	bind_hidden(u, vm->extra_args_script);
	bind_hidden(u, h->package(vm));
	if (h->files)
		h->files(vm, &more);
	for (size_t i = 0; i < more.count; i++)
		bind_hidden(u, more.at[i]);
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
	unit_span(u, "TimeoutStopSec", vm->shutdown_timeout + STOP_RESERVE_SECONDS * 1000000);
}

static void unit_restart(struct text *u, const struct microvm *vm)
{
	static const char *const settings[RESTARTS] = { "always", "on-failure", "no" };

	const struct hypervisor *h = hypervisor_of(vm);
	bool told = section_sets(&vm->section, "restart");

	unit_set(u, "Restart", told ? settings[vm->restart] : h->restart);
	if (h->exit_reboot && !told)
		unit_set(u, "RestartForceExitStatus", h->exit_reboot);
}

static void unit_after_start(struct text *u, const struct microvm *vm, const char *prefix,
			     const char *helper, enum audience audience)
{
	OWNED(drop_words) struct words words = { 0 };

	words_add(&words, vm->name);
	arguments_write(vm, audience, &words);
	unit_exec(u, "ExecStartPost", prefix, helper, &words);
}

static void add_companion(struct words *units, const struct companion *c, const struct microvm *vm)
{
	OWNED(drop_str) char *name = companion_name(c, vm);

	words_add(units, name);
}

static void companion_units(const struct microvm *vm, struct words *wants, struct words *requires)
{
	for (size_t i = 0; i < companion_count; i++)
		if (companions[i].wanted(vm))
			add_companion(companions[i].proof ? wants : requires, &companions[i], vm);
}

/* The package can be another by the time of the start. */
static void unit_look_at_package(struct text *u, const struct microvm *vm)
{
	OWNED(drop_words) struct words words = { 0 };

	words_add(&words, vm->name);
	words_add(&words, vm->runner_given ? vm->runner_given : vm->runner);
	companion_units(vm, &words, &words);
	share_units(vm, &words);
	words_add(&words, "--");
	if (vm->runner_given)
		arguments_write(vm, FOR_RUNNER, &words);
	unit_exec(u, "ExecStartPre", "+", HELPERDIR "/microvm-runner", &words);
}

static void unit_commands(struct text *u, const struct microvm *vm)
{
	OWNED(drop_words) struct words run = { 0 };

	unit_set(u, "ExecStartPre", "");
	if (vm->runner)
		unit_look_at_package(u, vm);
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
	/* Root may register, and what cannot be registered runs as well. First, because a guest can take
	 * its time to be ready. */
	if (vm->register_with_machined)
		unit_after_start(u, vm, "-+", HELPERDIR "/microvm-machined", FOR_MACHINED);
	if (vm->readiness != READINESS_NONE && !vm->runner)
		unit_after_start(u, vm, "", HELPERDIR "/microvm-ready", FOR_CONTROL);
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

static void assert_companions(struct text *u, const struct microvm *vm)
{
	for (size_t i = 0; i < companion_count; i++) {
		OWNED(drop_str) char *proof = NULL;

		if (!companion_is_bound(&companions[i], vm))
			continue;
		proof = companion_folder(&companions[i], vm);
		unit_set(u, "AssertPathExists", proof);
	}
}

static void unit_order(struct text *u, const struct microvm *vm)
{
	OWNED(drop_words) struct words wants = { 0 };
	OWNED(drop_words) struct words requires = { 0 };
	OWNED(drop_words) struct words sockets = { 0 };
	OWNED(drop_words) struct words awaited = { 0 };
	OWNED(drop_words) struct words after = { 0 };

	companion_units(vm, &wants, &requires);
	share_units(vm, &sockets);
	words_add_all(&requires, &sockets);
	unit_names_of(&vm->requires, &requires);
	vsock_units(vm, &awaited);
	if (needs_renewal(vm))
		words_addf(&awaited, "microvm-renew@%s.service", vm->name);
	words_add_all(&wants, &awaited);
	words_add_all(&after, &awaited);
	words_add_all(&after, &requires);
	unit_names_of(&vm->after, &after);
	unit_names(u, "Wants", &wants);
	/* microvm-runner starts them once more, and sees it fail. */
	if (!vm->runner)
		assert_companions(u, vm);
	unit_names(u, "Requires", &requires);
	unit_names(u, "After", &after);
	/* StopWhenUnneeded= does not see a start that failed for another dependency. */
	unit_names(u, "PropagatesStopTo", &sockets);
}

/* Where what boots lies. */
static void boot_mounts(struct text *u, const struct microvm *vm)
{
	const char *const boots[] = { vm->kernel, vm->initrd_path, vm->firmware, vm->runner_given, vm->runner };
	OWNED(drop_words) struct words paths = { 0 };

	for (size_t i = 0; i < sizeof(boots) / sizeof(*boots); i++)
		if (boots[i])
			words_add(&paths, boots[i]);
	for (each(struct credential, c, vm->credentials))
		if (!c->value)
			words_add(&paths, c->path ? c->path : c->encrypted_path);
	unit_mounts(u, vm, &paths);
}

void microvm_unit_lines(struct text *u, const struct microvm *vm)
{
	unit_order(u, vm);
	/* Its own bond to what lies below a macvtap: the companion's end is not its end. */
	if (needs_macvtaps(vm))
		macvtaps_unit(u, vm);
	devices_unit(u, vm);
	boot_mounts(u, vm);
}

/* What the hypervisor needs beyond the template. */
static void unit_settings(struct text *u, const struct microvm *vm)
{
	const struct hypervisor *h = hypervisor_of(vm);
	OWNED(drop_words) struct words settings = { 0 };

	if (h->settings)
		h->settings(vm, &settings);
	for (size_t i = 0; i < settings.count; i++) {
		char *value = strchr(settings.at[i], '=');

		*value++ = '\0';
		unit_set(u, settings.at[i], value);
	}
}

void microvm_service_lines(struct text *u, const struct microvm *vm)
{
	unit_times(u, vm);
	unit_restart(u, vm);
	renewal_service_lines(u, vm);
	network_service_lines(u, vm);
	device_service_lines(u, vm);
	vsock_service_lines(u, vm);
	unit_files(u, vm);
	share_service_lines(u, vm);
	unit_settings(u, vm);
	credential_service_lines(u, vm);
	unit_commands(u, vm);
}
