/* SPDX-License-Identifier: MIT */
#include "identity.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uuid/uuid.h>

/* The highest of all means any address (vsock(7)). */
static const uint32_t CID_FIRST = 1u << 31, CIDS = (1u << 31) - 1;

/* 32 hexadecimal digits, which uuid_parse() takes with hyphens only. */
static int machine_id_read(const char *digits, unsigned char ret[16])
{
	OWNED(drop_str) char *text = NULL;

	if (strspn(digits, "0123456789abcdef") != 32)
		return -EINVAL;
	text = text_format("%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8, digits + 12, digits + 16,
			   digits + 20);
	return uuid_parse(text, ret) < 0 ? -EINVAL : 0;
}

int identity_host(const char *path, unsigned char ret[16])
{
	OWNED(drop_file) FILE *f = fopen(path, "re");
	char line[64] = "";

	if (!f)
		return -errno;
	if (!fgets(line, sizeof(line), f))
		return ferror(f) ? -EIO : -EINVAL;
	return machine_id_read(line, ret);
}

static char *machine_id_of(const char *name, const unsigned char host[16])
{
	char *ret = must(malloc(UUID_STR_LEN));
	uuid_t id;

	uuid_generate_sha1(id, host, name, strlen(name));
	uuid_unparse_lower(id, ret);
	return ret;
}

char *identity_mac(const char *name, const char *interface, const unsigned char host[16])
{
	OWNED(drop_str) char *both = text_format("%s/%s", name, interface);
	uuid_t id;

	uuid_generate_sha1(id, host, both, strlen(both));
	return text_format("%02x:%02x:%02x:%02x:%02x:%02x", (id[0] & 0xfc) | 0x02, id[1], id[2], id[3],
			   id[4], id[5]);
}

uint32_t identity_cid(const char *name, unsigned step)
{
	return CID_FIRST + (name_hash(name) % CIDS + step) % CIDS;
}

void mac_read(const char *text, unsigned char ret[6])
{
	(void)sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", ret, ret + 1, ret + 2, ret + 3, ret + 4,
		     ret + 5);
}

bool identity_needed(const struct microvm *vm)
{
	if (vm->runner)
		return false;
	for (each(struct interface, i, vm->interfaces))
		if (!i->mac)
			return true;
	return !vm->machine_id;
}

void identity_fill(struct microvm *vm, const unsigned char host[16])
{
	if (!vm->machine_id)
		vm->machine_id = machine_id_of(vm->name, host);
	for (each(struct interface, i, vm->interfaces))
		if (!i->mac)
			i->mac = identity_mac(vm->name, i->section.id, host);
}
