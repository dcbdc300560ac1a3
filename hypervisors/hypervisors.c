/* SPDX-License-Identifier: MIT */
#include "guest-stop.h"
#include "hypervisor.h"

#include "../common/owned.h"
#include "../common/text.h"
#include "../config/keys.h"

#include <string.h>

const struct hypervisor *const hypervisors[HYPERVISORS] = {
	[HYPERVISOR_QEMU] = &hypervisor_qemu,
	[HYPERVISOR_CLOUD_HYPERVISOR] = &hypervisor_cloud_hypervisor,
	[HYPERVISOR_FIRECRACKER] = &hypervisor_firecracker,
	[HYPERVISOR_CROSVM] = &hypervisor_crosvm,
	[HYPERVISOR_KVMTOOL] = &hypervisor_kvmtool,
	[HYPERVISOR_STRATOVIRT] = &hypervisor_stratovirt,
	[HYPERVISOR_ALIOTH] = &hypervisor_alioth,
};

const struct ability_use ability_uses[ABILITIES] = {
#define ABILITY(NAME, SECTION, KEY, VALUE, WHAT) [CAN_##NAME] = { SECTION, KEY, VALUE, WHAT },
#include "abilities.def"
};

enum { MOST_QUEUES = 256 }; /* MAX_TAP_QUEUES */

const struct hypervisor *hypervisor_of(const struct microvm *vm)
{
	return vm->runner ? &hypervisor_runner : hypervisors[vm->hypervisor];
}

bool hypervisor_has_console(const struct microvm *vm)
{
	const struct hypervisor *h = hypervisor_of(vm);

	return h->terminal || (h->console && h->console(vm));
}

unsigned hypervisor_queues(const struct microvm *vm)
{
	const struct hypervisor *h = hypervisor_of(vm);

	if (!h->multi_queue)
		return 1;
	return vm->vcpu < MOST_QUEUES ? vm->vcpu : MOST_QUEUES;
}

bool hypervisor_uses_vhost_vsock(const struct microvm *vm)
{
	return vm->vsock.cid && !hypervisors[vm->hypervisor]->vsock_socket;
}

char *hypervisor_vsock_socket(const struct microvm *vm, const char *dir)
{
	if (!vm->vsock.cid || !hypervisors[vm->hypervisor]->vsock_socket)
		return NULL;
	return text_format("%s/vsock.sock", dir);
}

bool hypervisor_can(const struct hypervisor *h, enum ability ability)
{
	return h->can >> ability & 1;
}

/* The default of a key decides too where somebody wrote the section: a share whose proto is not set
 * is a 9p share. A section that always exists asks for nothing by its defaults. */
static bool value_needs(const struct section *s, const struct key *key, const char *value)
{
	OWNED(drop_words) struct words values = { 0 };

	if (!key_place(key, s)->file)
		return s->id && value && key->fallback && strcmp(key->fallback, value) == 0;
	key->type->print(key->type, key_field(key, s), &values);
	return value ? words_have(&values, value) : values.count > 0 && *values.at[0];
}

static size_t count_can(enum ability ability)
{
	size_t n = 0;

	for (size_t i = 0; i < HYPERVISORS; i++)
		n += hypervisor_can(hypervisors[i], ability);
	return n;
}

/* "qemu, crosvm and alioth" */
static char *who_can(enum ability ability)
{
	size_t left = count_can(ability);
	struct text names = { 0 };

	for (size_t i = 0; i < HYPERVISORS; i++) {
		if (!hypervisor_can(hypervisors[i], ability))
			continue;
		left--;
		text_addf(&names, "%s%s", hypervisors[i]->name,
			  left > 1 ? ", " : left == 1 ? " and " : "");
	}
	return names.at;
}

static void refuse(const struct hypervisor *h, const struct section *s, const char *key,
		   enum ability ability, struct problems *problems)
{
	OWNED(drop_str) char *names = who_can(ability);

	problem_in(problems, s, key, "%s does not offer %s; %s %s", h->name, ability_uses[ability].what,
		   names, count_can(ability) == 1 ? "does" : "do");
}

void hypervisor_check_ability(const struct microvm *vm, const struct section *s, const char *key,
			      enum ability ability, struct problems *problems)
{
	if (!hypervisor_can(hypervisors[vm->hypervisor], ability))
		refuse(hypervisors[vm->hypervisor], s, key, ability, problems);
}

static void section_check(const struct microvm *vm, const struct section *s, enum ability ability,
			  struct problems *problems)
{
	const struct key *key = key_find(s->kind, ability_uses[ability].key);

	if (value_needs(s, key, ability_uses[ability].value))
		refuse(hypervisors[vm->hypervisor], s, key->name, ability, problems);
}

static void ability_check(const struct microvm *vm, enum ability ability, struct problems *problems)
{
	const char *name = ability_uses[ability].section;
	const struct section_kind *kind = section_kind_find(name, strlen(name));
	const void *member = (const char *)vm + kind->offset;
	const struct sections *list = member;

	if (kind->longest == 0) {
		section_check(vm, member, ability, problems);
		return;
	}
	for (size_t i = 0; i < list->count; i++)
		section_check(vm, list->at[i], ability, problems);
}

void hypervisor_check(const struct microvm *vm, struct problems *problems)
{
	const struct hypervisor *h = hypervisors[vm->hypervisor];

	for (enum ability ability = 0; ability < ABILITIES; ability++)
		if (!hypervisor_can(h, ability))
			ability_check(vm, ability, problems);
	if (h->check)
		h->check(vm, problems);
	guest_stop_check(vm, problems);
}
