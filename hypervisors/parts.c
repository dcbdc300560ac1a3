/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include "guest-mounts.h"
#include "guest-root.h"
#include "guest-stop.h"
#include "../common/owned.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { SERIAL_LENGTH = 20 }; /* VIRTIO_BLK_ID_BYTES */

bool shares_memory(const struct microvm *vm)
{
	for (each(struct share, s, vm->shares))
		if (s->proto == SHARE_VIRTIOFS)
			return true;
	return vm->graphics.enable && vm->graphics.socket;
}

void render_settings(const struct microvm *vm, struct words *ret)
{
	if (!vm->graphics.enable || vm->graphics.socket)
		return;
	words_add(ret, "DeviceAllow=char-drm rw");
	words_add(ret, "SupplementaryGroups=render");
}

const char *on_off(bool value)
{
	return value ? "on" : "off";
}

void add_size(struct text *t, uint64_t bytes)
{
	static const char *const units[] = { "", "K", "M", "G" };
	size_t i = 0;

	for (; i < 3 && bytes > 0 && bytes % 1024 == 0; i++)
		bytes /= 1024;
	text_addf(t, "%" PRIu64 "%s", bytes, units[i]);
}

/* The one way that every hypervisor has; systemd in the guest takes credentials from there too. Before the
 * start the port is not known, and has as many digits as it may have. */
static void add_notify(struct text *t, const struct microvm *vm)
{
	if (vm->readiness == READINESS_GUEST)
		text_addf(t, " systemd.set_credential=vmm.notify_socket:vsock-stream:2:%u",
			  vm->vsock.notify_port ? vm->vsock.notify_port : UINT32_MAX);
}

/* Told either way: else systemd does it wherever there is a vsock, and everybody on the host can knock. */
static void add_ssh(struct text *t, const struct microvm *vm)
{
	if (vm->vsock.cid)
		text_addf(t, " systemd.ssh_auto=%s", vm->vsock.ssh_enable ? "yes" : "no");
}

char *kernel_line(const char *defaults, const struct microvm *vm)
{
	struct text t = { 0 };

	text_add(&t, defaults);
	guest_root_add(&t, vm);
	guest_mounts_add(&t, vm);
	add_notify(&t, vm);
	add_ssh(&t, vm);
	guest_stop_add(&t, vm);
	for (size_t i = 0; i < vm->kernel_params.count; i++) {
		const char *word = vm->kernel_params.at[i];
		bool quote = strpbrk(word, " \t\n") && !strchr(word, '"');

		text_addf(&t, quote ? "%s\"%s\"" : "%s%s", t.length > 0 ? " " : "", word);
	}
	return t.at;
}

void check_kernel_line(const char *line, size_t limit, const struct microvm *vm,
		       struct problems *problems)
{
	size_t n = strlen(line);

	if (n > limit)
		problem_in(problems, &vm->section, "kernelParams",
			   "the kernel's command line has %zu bytes, and no more than %zu are "
			   "read; shorten it "
			   "by %zu",
			   n, limit, n - limit);
}

void check_serials(const struct microvm *vm, struct problems *problems)
{
	for (each(struct volume, v, vm->volumes))
		if (strlen(volume_serial(v)) > SERIAL_LENGTH)
			problem_in(problems, &v->section, "serial",
				   "'%s' is longer than the %d bytes that a virtio disk shows",
				   volume_serial(v), SERIAL_LENGTH);
}

char *quoted(const char *value, const char *special)
{
	struct text t = { 0 };

	if (!strpbrk(value, special))
		return text_copy(value);
	text_add(&t, "\"");
	for (; *value; value++)
		text_addf(&t, *value == '"' ? "%c%c" : "%c", *value, *value);
	text_add(&t, "\"");
	return t.at;
}

bool device_is_given(const struct device *d)
{
	OWNED(drop_str) char *path = text_format("/sys/bus/pci/devices/%s", d->path);

	return d->required || access(path, F_OK) == 0;
}
