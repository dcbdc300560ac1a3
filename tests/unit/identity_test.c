/* SPDX-License-Identifier: MIT */
/* Machine IDs and hardware addresses that nobody wrote. */
#include "common/owned.h"
#include "common/text.h"
#include "config/identity.h"
#include "config/keys.h"
#include "result.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
	const char *content;
	int result;
} files[] = {
	{ "0123456789abcdef0123456789abcdef\n", 0 },
	{ "0123456789abcdef0123456789abcdef", 0 },
	{ "uninitialized\n", -EINVAL },
	{ "", -EINVAL },
	{ "0123456789abcdef0123456789abcde\n", -EINVAL },
	{ "0123456789abcdef0123456789abcdef0\n", -EINVAL },
	{ "0123456789ABCDEF0123456789ABCDEF\n", -EINVAL },
};

static void reads(void)
{
	char path[] = "/tmp/identity-test-XXXXXX";
	int fd = mkstemp(path);
	unsigned char id[16];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		OWNED(drop_file) FILE *f = fopen(path, "we");

		ok(f && fputs(files[i].content, f) >= 0 && fflush(f) == 0 &&
			   identity_host(path, id) == files[i].result,
		   "a host's machine-id");
	}
	(void)unlink(path);
	(void)close(fd);
	ok(identity_host(path, id) == -ENOENT, "a host without machine-id");
}

static void made(struct microvm *vm, const char *name, unsigned char host)
{
	const struct section_kind *kind = section_kind_find("interface", 9);
	unsigned char id[16] = { host };

	microvm_init(vm, name);
	(void)microvm_section(vm, kind, "eth0");
	(void)microvm_section(vm, kind, "eth1");
	identity_fill(vm, id);
}

static const char *mac(const struct microvm *vm, size_t i)
{
	return ((const struct interface *)vm->interfaces.at[i])->mac;
}

int main(void)
{
	OWNED(drop_microvm) struct microvm web, again, db, elsewhere;

	reads();
	made(&web, "web", 1);
	made(&again, "web", 1);
	made(&db, "db", 1);
	made(&elsewhere, "web", 2);
	ok(web.machine_id[14] == '5' && strlen(web.machine_id) == 36, "a UUID of version 5");
	equal(web.machine_id, again.machine_id, "the same each time");
	equal(mac(&web, 0), mac(&again, 0), "the same address each time");
	ok(strcmp(web.machine_id, db.machine_id) != 0, "another for another name");
	ok(strcmp(web.machine_id, elsewhere.machine_id) != 0, "another on another host");
	ok(strcmp(mac(&web, 0), mac(&web, 1)) != 0 && strcmp(mac(&web, 0), mac(&db, 0)) != 0 &&
		   strcmp(mac(&web, 0), mac(&elsewhere, 0)) != 0,
	   "addresses differ alike");
	ok((strtoul(mac(&web, 0), NULL, 16) & 3) == 2, "locally administered, unicast");
	ok(identity_cid("web", 0) == 2413411473u, "an address of the upper half");
	ok(identity_cid("web", 1) == identity_cid("web", 0) + 1, "the next one");
	/* Whose hash is that of the highest number. */
	ok(identity_cid("axc506u", 0) == UINT32_MAX - 1 && identity_cid("axc506u", 1) == 1u << 31,
	   "none beyond the last");
	ok(!identity_needed(&web), "nothing more to make");
	return finish();
}
