/* SPDX-License-Identifier: MIT */
#include "claims.h"

#include "../common/digest.h"
#include "../common/log.h"
#include "../common/link.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/device.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct claim {
	char *what; /* "image /path", "mac 02:…": kind and value; NULL: a free place */
	char *by;   /* "FILE:LINE" */
	bool shared;
};

/* Open addressing, a power of two, at most half full. */
struct claims {
	struct claim *at;
	size_t room;
	size_t count;
};

/* The claims of one MicroVM, and where each is written. */
struct wants {
	struct {
		struct claim claim;
		const struct section *section;
		const char *key;
		char *told; /* the value as its user wrote it */
	} *at;
	size_t count;
};

struct claims *claims_new(void)
{
	struct claims *c = must(calloc(1, sizeof(*c)));

	c->room = 64;
	c->at = must(calloc(c->room, sizeof(*c->at)));
	return c;
}

void drop_claims(struct claims **c)
{
	if (!*c)
		return;
	for (size_t i = 0; i < (*c)->room; i++) {
		free((*c)->at[i].what);
		free((*c)->at[i].by);
	}
	free((*c)->at);
	free(*c);
}

static void drop_wants(struct wants *w)
{
	for (size_t i = 0; i < w->count; i++) {
		free(w->at[i].claim.what);
		free(w->at[i].claim.by);
		free(w->at[i].told);
	}
	free(w->at);
}

/* The place of a claim, or the free one where it would go. */
static struct claim *place_of(const struct claims *c, const char *what)
{
	size_t i = digest_add_text(DIGEST_OF_NOTHING, what) & (c->room - 1);

	while (c->at[i].what && strcmp(c->at[i].what, what) != 0)
		i = (i + 1) & (c->room - 1);
	return &c->at[i];
}

static void claims_grow(struct claims *c)
{
	struct claims bigger = { .room = c->room * 2, .count = c->count };

	bigger.at = must(calloc(bigger.room, sizeof(*bigger.at)));
	for (size_t i = 0; i < c->room; i++)
		if (c->at[i].what)
			*place_of(&bigger, c->at[i].what) = c->at[i];
	free(c->at);
	*c = bigger;
}

static void want(struct wants *w, const struct section *s, const char *key, const char *told,
		 char *what, bool shared)
{
	w->at = must(reallocarray(w->at, w->count + 1, sizeof(*w->at)));
	w->at[w->count].claim = (struct claim){ .what = what, .shared = shared };
	w->at[w->count].section = s;
	w->at[w->count].key = key;
	w->at[w->count++].told = text_copy(told);
}

static void want_volume(struct wants *w, const char *root, const struct microvm *vm,
			const struct volume *v)
{
	OWNED(drop_str) char *path = volume_path(vm, v);
	OWNED(drop_str) char *real = text_format("%s%s", root, path);
	struct stat st;

	if (stat(real, &st) == 0 && S_ISBLK(st.st_mode))
		want(w, &v->section, "image", path,
		     text_format("device %ju", (uintmax_t)st.st_rdev), v->read_only);
	else if (stat(real, &st) == 0)
		want(w, &v->section, "image", path,
		     text_format("inode %ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino),
		     v->read_only);
	else
		want(w, &v->section, "image", path, text_format("image %s", path), v->read_only);
}

static void want_port(struct wants *w, const struct forward_port *f)
{
	OWNED(drop_str) char *told = text_format("%u", f->host_port);

	want(w, &f->section, "host.port", told,
	     text_format("port %s %s:%u", f->proto == PROTO_TCP ? "tcp" : "udp",
			 f->host_address ? f->host_address : "0.0.0.0", f->host_port), false);
}

/* The group as the host has it now; before there is an IOMMU, or a card, there is none. */
static char *group_of(const char *root, const char *address)
{
	OWNED(drop_str) char *path = text_format("%s/sys/bus/pci/devices/%s/iommu_group", root, address);
	OWNED(drop_str) char *number = link_end(path);

	return number ? text_format("group %s", number) : NULL;
}

static bool is_wanted(const struct wants *w, const char *what)
{
	for (size_t i = 0; i < w->count; i++)
		if (strcmp(w->at[i].claim.what, what) == 0)
			return true;
	return false;
}

/* A MicroVM can have several devices of a group, but no two MicroVMs can share one. */
static void want_card(struct wants *w, const char *root, const struct device *d, const char *key,
		      const char *address)
{
	char *group = group_of(root, address);

	want(w, &d->section, key, address, text_format("pci %s", address), false);
	if (group && !is_wanted(w, group))
		want(w, &d->section, key, address, group, false);
	else
		free(group);
}

/* Many can share the parent, and none can have it. The function's own address is known once there is
 * one. */
static void want_function(struct wants *w, const char *root, const struct device *d)
{
	OWNED(drop_str) char *told = text_format("%s, function %u", d->sriov_parent, d->sriov_vf);
	OWNED(drop_str)
	char *link = text_format("%s/sys/bus/pci/devices/%s/virtfn%u", root, d->sriov_parent,
				 d->sriov_vf);
	OWNED(drop_str) char *address = link_end(link);

	want(w, &d->section, "sriov.parent", d->sriov_parent, text_format("pci %s", d->sriov_parent),
	     true);
	want(w, &d->section, "sriov.vf", told,
	     text_format("function %s %u", d->sriov_parent, d->sriov_vf), false);
	if (d->sriov_mac)
		want(w, &d->section, "sriov.mac", d->sriov_mac, text_format("mac %s", d->sriov_mac),
		     false);
	if (address)
		want_card(w, root, d, "sriov.vf", address);
}

static void want_device(struct wants *w, const char *root, const struct device *d)
{
	struct usb_identity usb;
	if (d->bus == BUS_USB && d->path && usb_identity_read(d->path, &usb))
		want(w, &d->section, "path", d->path, text_format("usb %s", usb.text), false);
	else if (d->bus == BUS_PCI && d->sriov_parent)
		want_function(w, root, d);
	else if (d->bus == BUS_PCI && d->path)
		want_card(w, root, d, "path", d->path);
}

static void want_all(struct wants *w, const char *root, const struct microvm *vm)
{
	OWNED(drop_str) char *state = microvm_state_dir(vm);
	OWNED(drop_str) char *socket = microvm_socket(vm);

	/* Only what a file sets can be set twice: the defaults hold the name. */
	if (vm->state_dir)
		want(w, &vm->section, "stateDir", state, text_format("folder %s", state), false);
	if (vm->socket && socket)
		want(w, &vm->section, "socket", socket, text_format("socket %s", socket), false);
	if (vm->machine_id)
		want(w, &vm->section, "machineId", vm->machine_id,
		     text_format("machine %s", vm->machine_id), false);
	if (vm->vsock.cid && strcmp(vm->vsock.cid, "auto") != 0)
		want(w, &vm->vsock.section, "cid", vm->vsock.cid,
		     text_format("cid %s", vm->vsock.cid), false);
	for (each(struct interface, i, vm->interfaces)) {
		if (i->mac)
			want(w, &i->section, "mac", i->mac, text_format("mac %s", i->mac), false);
		if (i->type != NET_USER)
			want(w, &i->section, "type", i->section.id,
			     text_format("interface %s", i->section.id), false);
	}
	for (each(struct forward_port, f, vm->forward_ports))
		if (f->from == FORWARD_HOST)
			want_port(w, f);
	for (each(struct volume, v, vm->volumes))
		want_volume(w, root, vm, v);
	for (each(struct device, d, vm->devices))
		want_device(w, root, d);
}

static char *place_text(const struct section *s)
{
	return s->place.line ? text_format("%s:%u", s->place.file, s->place.line) :
			       text_copy(s->place.file);
}

static int refuse(const struct wants *w, size_t i, const char *by, struct problems *p)
{
	bool image = strcmp(w->at[i].key, "image") == 0;

	if (strncmp(w->at[i].claim.what, "group ", 6) == 0)
		return problem_in(p, w->at[i].section, w->at[i].key, "'%s' is in IOMMU %s, as is the device of "
				  "%s; devices of one group go to one MicroVM", w->at[i].told,
				  w->at[i].claim.what, by);
	return problem_in(p, w->at[i].section, w->at[i].key,
			  "'%s' is in use already by %s; only one can have it%s", w->at[i].told, by,
			  image ? ", or all with readOnly=yes" : "");
}

static bool both_shared(const struct claim *a, const struct claim *b)
{
	return a->shared && b->shared;
}

static int want_check(const struct claims *c, const struct wants *w, size_t i, struct problems *p)
{
	const struct claim *mine = &w->at[i].claim, *other = place_of(c, mine->what);

	if (other->what && !both_shared(mine, other))
		return refuse(w, i, other->by, p);
	/* The same twice in one MicroVM, under two names. */
	for (size_t j = 0; j < i; j++)
		if (strcmp(w->at[j].claim.what, mine->what) == 0 && !both_shared(mine, &w->at[j].claim)) {
			OWNED(drop_str) char *by = place_text(w->at[j].section);

			return refuse(w, i, by, p);
		}
	return 0;
}

/* Of a device that somebody else has, the group need not be told as well. */
static bool is_of_last(const struct wants *w, size_t i)
{
	return i > 0 && w->at[i].section == w->at[i - 1].section &&
	       strcmp(w->at[i].key, w->at[i - 1].key) == 0;
}

static void want_enter(struct claims *c, struct wants *w, size_t i)
{
	struct claim *claim = place_of(c, w->at[i].claim.what);

	if (claim->what)
		return;
	claim->what = MOVE(w->at[i].claim.what);
	claim->shared = w->at[i].claim.shared;
	claim->by = place_text(w->at[i].section);
	if (++c->count * 2 > c->room)
		claims_grow(c);
}

int claims_enter(struct claims *c, const char *root, const struct microvm *vm, struct problems *p)
{
	OWNED(drop_wants) struct wants wants = { 0 };
	int r = 0, last = 0;

	want_all(&wants, root, vm);
	for (size_t i = 0; i < wants.count; i++) {
		if (last == 0 || !is_of_last(&wants, i))
			last = want_check(c, &wants, i, p);
		if (last < 0)
			r = -EINVAL;
	}
	for (size_t i = 0; i < wants.count && r == 0; i++)
		want_enter(c, &wants, i);
	return r;
}
