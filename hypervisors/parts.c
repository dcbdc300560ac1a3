/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include "guest-mounts.h"
#include "../common/owned.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { SERIAL_LENGTH = 20 }; /* VIRTIO_BLK_ID_BYTES */

bool shares_memory(const struct microvm *vm)
{
	for (each(struct share, s, vm->shares))
		if (s->proto == SHARE_VIRTIOFS)
			return true;
	return false;
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

char *kernel_line(const char *defaults, const struct microvm *vm)
{
	struct text t = { 0 };

	text_add(&t, defaults);
	guest_mounts_add(&t, vm);
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

char *vsock_socket(const struct microvm *vm)
{
	return text_format("/run/microvm/%s/vsock.sock", vm->name);
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
