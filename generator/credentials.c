/* SPDX-License-Identifier: MIT */
#include "credentials.h"

#include "unit.h"
#include "../common/owned.h"

/* Where PID 1 lets us write. */
#define UNITS "/run/systemd/generator"

static char *folder_of(const struct microvm *vm)
{
	return text_format("microvm@%s.service.d", vm->name);
}

/* systemd reads *.conf there and nothing else. */
static char *file_of(const struct credential *c)
{
	return text_format("%s.credential", c->section.id);
}

int credentials_write(const struct sink *sink, const struct microvm *vm)
{
	OWNED(drop_str) char *folder = folder_of(vm);
	int r = 0;

	for (each(struct credential, c, vm->credentials)) {
		OWNED(drop_str) char *file = file_of(c);

		if (r == 0 && c->value)
			r = sink_secret(sink, folder, file, c->value);
	}
	return r;
}

static void load(struct text *u, const char *key, const char *name, const char *path)
{
	OWNED(drop_str) char *value = text_format("%s:%s", name, path);

	unit_text(u, key, value);
}

void credential_service_lines(struct text *u, const struct microvm *vm)
{
	OWNED(drop_str) char *folder = folder_of(vm);

	for (each(struct credential, c, vm->credentials)) {
		OWNED(drop_str) char *file = file_of(c);
		OWNED(drop_str) char *value = text_format(UNITS "/%s/%s", folder, file);

		if (c->encrypted_path)
			load(u, "LoadCredentialEncrypted", c->section.id, c->encrypted_path);
		else
			load(u, "LoadCredential", c->section.id, c->path ? c->path : value);
	}
}
