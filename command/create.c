/* SPDX-License-Identifier: MIT */
#include "verb.h"

#include "configuration.h"
#include "draft.h"
#include "instance.h"
#include "../common/escape.h"
#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/sources.h"
#include "../hypervisors/hypervisor.h"

#include <glob.h>
#include <string.h>

/* Of the same version, as distributions call it; NULL where there is none. free() by the caller. */
static char *initrd_of(const char *kernel)
{
	static const struct {
		const char *before, *behind;
	} names[] = { { "initrd.img-", "" }, { "initramfs-", ".img" }, { "initrd-", "" } };
	const char *slash = strrchr(kernel, '/'), *version = slash ? strchr(slash, '-') : NULL;

	for (size_t i = 0; version && i < sizeof(names) / sizeof(*names); i++) {
		OWNED(drop_str)
		char *path = text_format("%.*s/%s%s%s", (int)(slash - kernel), kernel,
					 names[i].before, version + 1, names[i].behind);

		if (access(path, F_OK) == 0)
			return MOVE(path);
	}
	return NULL;
}

static int by_version(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

static char *newest_kernel(void)
{
	glob_t found = { 0 };
	char *ret = NULL;

	if (glob("/boot/vmlinuz-*", 0, NULL, &found) == 0) {
		qsort(found.gl_pathv, found.gl_pathc, sizeof(*found.gl_pathv), by_version);
		ret = text_copy(found.gl_pathv[found.gl_pathc - 1]);
	}
	globfree(&found);
	return ret;
}

/* Values of the command line go into lines of a file: nothing in them may end a line, and % is
 * theirs. */
static void line_add(struct text *t, const char *key, const char *value)
{
	text_addf(t, "%s = ", key);
	escape_specifiers(t, value);
	text_add(t, "\n");
}

static int values_check(const struct call *call)
{
	for (size_t i = 0; i < call->verb->option_count; i++) {
		OWNED(drop_text) struct text shown = { 0 };

		if (!call->values[i] || text_is_shown(call->values[i]))
			continue;
		text_add_shown(&shown, call->values[i]);
		log_line(LEVEL_ERROR, "--%s=%s holds what no line of a file can hold",
			 call->verb->options[i].name, shown.at);
		return EXIT_CALLED_WRONGLY;
	}
	return EXIT_DONE;
}

static int boot_add(const struct call *call, struct text *t)
{
	const char *kernel = call_value(call, "kernel"), *initrd = call_value(call, "initrd");
	OWNED(drop_str) char *newest = kernel ? NULL : newest_kernel();
	OWNED(drop_str) char *same = NULL;

	kernel = kernel ? kernel : newest;
	if (!kernel) {
		log_line(LEVEL_ERROR, "there is no /boot/vmlinuz-*; say which kernel it shall "
				      "boot: --kernel=FILE");
		return EXIT_REFUSED;
	}
	same = initrd ? NULL : initrd_of(kernel);
	initrd = initrd ? initrd : same;
	text_add(t, "\n# What it boots.\n");
	line_add(t, "kernel", kernel);
	if (initrd)
		line_add(t, "initrdPath", initrd);
	text_add(t, "# Words for the kernel's command line.\n");
	text_add(t, call_has(call, "image") ? "kernelParams = root=/dev/vda\n"
					    : "#kernelParams = quiet\n");
	return EXIT_DONE;
}

static void disks_add(const struct call *call, struct text *t)
{
	const char *image = call_value(call, "image"), *root = call_value(call, "root");

	if (image) {
		text_add(t, "\n# The disk that it boots from, made by others; with partitions "
			    "inside, root=/dev/vda1.\n"
			    "[volume root]\n");
		line_add(t, "image", image);
		text_add(t, "autoCreate = no\nfsType = none\n");
	}
	if (root) {
		text_add(t, "\n# The tree that is its root file system.\n[root]\n");
		line_add(t, "source", root);
	}
	text_add(t, "\n# A disk for what it keeps, made at the first start.\n"
		    "#[volume data]\n#size = 4G\n#mountPoint = /srv\n");
}

static bool can_user_network(const char *hypervisor)
{
	for (size_t i = 0; i < HYPERVISORS; i++)
		if (strcmp(hypervisors[i]->name, hypervisor) == 0)
			return hypervisor_can(hypervisors[i], CAN_NET_USER);
	return false;
}

static void network_add(const struct call *call, const char *hypervisor, struct text *t)
{
	const char *tap = call_value(call, "tap"), *bridge = call_value(call, "bridge");

	if (tap) {
		text_addf(t,
			  "\n# An interface of the host, for the host to bridge or to "
			  "route.\n[interface %s]\n"
			  "type = tap\n",
			  tap);
		if (bridge)
			line_add(t, "bridge", bridge);
		else
			text_add(t, "#bridge = br0\n");
	} else if (can_user_network(hypervisor)) {
		text_add(
			t,
			"\n# Out, by the hypervisor itself; nothing comes in but forwarded ports.\n"
			"[interface net]\ntype = user\n"
			"#[forwardPort ssh]\n#host.port = 2222\n#guest.port = 22\n");
	} else {
		text_add(t, "\n#[interface vm-0]\n#type = tap\n");
	}
}

static int content_make(const struct call *call, const char *name, struct text *t)
{
	const char *hypervisor = call_value(call, "hypervisor"), *mem = call_value(call, "mem");
	const char *vcpu = call_value(call, "vcpu");
	int r;

	hypervisor = hypervisor ? hypervisor : hypervisors[HYPERVISOR_QEMU]->name;
	text_addf(t,
		  "# MicroVM %s. All keys: man microvm.conf. Judge it: microvm check\n\n[microvm]\n"
		  "# What each hypervisor can: microvm check --hypervisors\n",
		  name);
	line_add(t, "hypervisor", hypervisor);
	line_add(t, "vcpu", vcpu ? vcpu : "1");
	line_add(t, "mem", mem ? mem : "512M");
	text_add(t, "# Start with the host.\n#autostart = yes\n"
		    "# What microvm apply does with it when this file has "
		    "changed.\n#restartIfChanged = yes\n");
	r = boot_add(call, t);
	if (r != EXIT_DONE)
		return r;
	disks_add(call, t);
	network_add(call, hypervisor, t);
	return EXIT_DONE;
}

static int put_in_place(struct draft *d)
{
	int r;

	if (!d->fresh) {
		log_line(LEVEL_ERROR, "%s is there already; microvm edit %s changes it", d->target,
			 d->name);
		return EXIT_REFUSED;
	}
	if (!draft_fits(d)) {
		log_line(LEVEL_ERROR, "%s is not made", d->target);
		return EXIT_REFUSED;
	}
	r = draft_save(d);
	if (r == EXIT_DONE)
		printf("%s is made. To start it:\n  systemctl daemon-reload\n  systemctl start "
		       "microvm@%s\n",
		       d->target, d->name);
	return r;
}

static int create(const struct call *call, const char *name)
{
	OWNED(drop_words) struct words folders = { 0 };
	OWNED(drop_text) struct text content = { 0 };
	OWNED(drop_draft) struct draft d = { 0 };
	OWNED(drop_str) char *target = NULL;
	int r = content_make(call, name, &content);

	if (r != EXIT_DONE)
		return r;
	sources_folders(&folders);
	target = text_format("%s/%s.conf", folders.at[0], name);
	r = draft_begin(name, target, content.at, &d);
	return r == EXIT_DONE ? put_in_place(&d) : r;
}

static int refuse_configured(const char *name)
{
	OWNED(drop_configuration) struct configuration c = { 0 };
	const struct configured *one;
	int r = configuration_read(&c);

	one = configuration_find(&c, name);
	if (r != EXIT_DONE || !one)
		return r;
	log_line(LEVEL_ERROR, "%s is configured already, by %s", name, one->source->shown);
	return EXIT_REFUSED;
}

int verb_create(const struct call *call)
{
	OWNED(drop_str) char *name = NULL;
	int r = instance_name(call->arguments[0], &name);

	if (r == EXIT_DONE)
		r = values_check(call);
	if (r == EXIT_DONE)
		r = refuse_configured(name);
	return r == EXIT_DONE ? create(call, name) : r;
}
