/* SPDX-License-Identifier: MIT */
#include "companions.h"

#include "devices.h"
#include "microvm-unit.h"
#include "networks.h"
#include "unit.h"
#include "../common/escape.h"
#include "../common/owned.h"
#include "../config/root.h"

#include <string.h>

bool needs_state_dir(const struct microvm *vm)
{
	return vm->volumes.count > 0 || vm->shares.count > 0 || vm->pre_start.count > 0 ||
	       vm->extra_args_script || vm->firmware || vm->state_dir || root_is_set(vm) || vm->runner;
}

static void path_once(struct words *paths, const char *path)
{
	if (path && *path && !words_have(paths, path))
		words_add(paths, path);
}

void unit_mounts(struct text *u, const struct microvm *vm, const struct words *more)
{
	OWNED(drop_words) struct words paths = { 0 };
	OWNED(drop_str) char *state = microvm_state_dir(vm);

	if (needs_state_dir(vm))
		path_once(&paths, state);
	for (each(struct volume, v, vm->volumes))
		if (v->image && *v->image == '/' && !volume_is_device(v))
			path_once(&paths, v->image);
	for (each(struct share, s, vm->shares))
		if (*s->source == '/')
			path_once(&paths, s->source);
	if (root_is_set(vm))
		path_once(&paths, vm->root.source);
	for (size_t i = 0; i < more->count; i++)
		path_once(&paths, more->at[i]);
	unit_words(u, "RequiresMountsFor", &paths);
}

/* Waits for the devices, but does not fail for them: the helper itself says what is missing, and
 * finds those as well for which nobody makes device units (in containers; links that are not
 * udev's). */
static void unit_await_devices(struct text *u, const struct microvm *vm)
{
	OWNED(drop_words) struct words units = { 0 };

	for (each(struct volume, v, vm->volumes)) {
		OWNED(drop_str) char *path = volume_path(vm, v);
		OWNED(drop_str) char *name = escape_unit_path(path);

		if (volume_is_device(v))
			words_addf(&units, "%s.device", name);
	}
	unit_names(u, "Wants", &units);
	unit_names(u, "After", &units);
}

static void install_unit(struct text *u, const struct microvm *vm)
{
	unit_await_devices(u, vm);
	unit_mounts(u, vm, &(struct words){ 0 });
}

/* The path and its folder, with the "-" that lets one be missing: then the helper says which. */
static void writable_once(struct words *paths, const char *path)
{
	OWNED(drop_str) char *itself = text_format("-%s", path);
	OWNED(drop_str) char *folder = text_copy(itself);
	char *slash = strrchr(folder, '/');

	if (slash > folder + 1)
		*slash = '\0';
	path_once(paths, folder);
	path_once(paths, itself);
}

/* To look into the devices, and to say what the host does with one that is in use. */
static void service_devices(struct text *u, const struct microvm *vm)
{
	bool any = false;

	for (each(struct volume, v, vm->volumes)) {
		OWNED(drop_str) char *path = volume_path(vm, v);

		if (!volume_is_device(v))
			continue;
		unit_device(u, path, "r");
		any = true;
	}
	if (!any)
		return;
	unit_set(u, "InaccessiblePaths", "");
	unit_set(u, "ProtectKernelTunables", "yes");
	unit_set(u, "ProcSubset", "all");
}

/* The tree, alone; what the guest boots where the sandbox hides it; and the time to compress a system. */
static void service_root(struct text *u, const struct microvm *vm)
{
	if (!root_is_set(vm))
		return;
	unit_bind_one(u, vm->root.source, ROOT_TREE);
	bind_hidden(u, vm->kernel);
	bind_hidden(u, vm->initrd_path);
	unit_set(u, "TimeoutStartSec", "1h");
}

/* Images are made beside their place and then renamed, so their folders must be writable, and where a
 * link leads; of a state folder elsewhere the one above it. */
static void install_service(struct text *u, const struct microvm *vm)
{
	OWNED(drop_words) struct words paths = { 0 };

	if (vm->state_dir)
		writable_once(&paths, vm->state_dir);
	for (each(struct volume, v, vm->volumes))
		if (v->image && *v->image == '/' && !volume_is_device(v))
			writable_once(&paths, v->image);
	for (each(struct share, s, vm->shares))
		if (*s->source == '/' && !root_owns(vm, &s->section))
			writable_once(&paths, s->source);
	unit_words(u, "ReadWritePaths", &paths);
	service_devices(u, vm);
	service_root(u, vm);
}

const struct companion companions[] = {
	/* as root, with the MicroVM's user held */
	{ "install-microvm", "install-microvm", "!", "/run/microvm-install", FOR_INSTALL,
	  needs_state_dir, install_unit, install_service },
	/* as the MicroVM's user, with one capability */
	{ "microvm-tap-interfaces", "microvm-tap-interfaces", "", "/run/microvm-tap", FOR_NET,
	  needs_taps, taps_unit, taps_service },
	{ "microvm-macvtap-interfaces", "microvm-macvtap-interfaces", "", "/run/microvm-macvtap", FOR_NET,
	  needs_macvtaps, macvtaps_unit, macvtaps_service },
	{ "microvm-pci-devices", "microvm-pci-devices", "!", NULL, FOR_PCI, needs_pci_devices, pci_unit,
	  pci_service },
	{ "microvm-usb-devices", "microvm-usb-devices", "!", "/run/microvm-usb", FOR_USB,
	  needs_usb_devices, NULL, usb_service },
};

const size_t companion_count = sizeof(companions) / sizeof(*companions);

bool companion_is_bound(const struct companion *c, const struct microvm *vm)
{
	return c->proof && c->wanted(vm);
}

char *companion_folder(const struct companion *c, const struct microvm *vm)
{
	return text_format("%s/%s", c->proof, vm->name);
}

char *companion_name(const struct companion *c, const struct microvm *vm)
{
	return text_format("%s@%s.service", c->template, vm->name);
}
