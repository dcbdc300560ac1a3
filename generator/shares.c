/* SPDX-License-Identifier: MIT */
#include "shares.h"

#include "unit.h"
#include "../common/owned.h"
#include "../config/arguments.h"
#include "../config/sources.h"
#include "../hypervisors/hypervisor.h"
#include "paths.h"

#include <string.h>

static char *unit_of(const struct microvm *vm, const struct share *s, const char *suffix)
{
	return text_format("microvm-virtiofsd@%s:%s.%s", vm->name, s->section.id, suffix);
}

static void service_lines(struct text *u, const struct microvm *vm, const struct share *s)
{
	OWNED(drop_words) struct words words = { 0 };
	OWNED(drop_str) char *source = share_source(vm, s);

	unit_section(u, "Service");
	/* ProtectSystem=strict keeps all else read-only, and a read-only share too. */
	if (!s->read_only)
		unit_bind(u, "ReadWritePaths", source);
	if (vm->virtiofsd.inode_file_handles != HANDLES_NEVER) {
		unit_set(u, "CapabilityBoundingSet", "CAP_DAC_READ_SEARCH");
		unit_set(u, "SystemCallFilter", "open_by_handle_at");
	}
	words_add(&words, vm->name);
	words_add(&words, s->section.id);
	arguments_write_share(vm, s, &words);
	if (hypervisor_of(vm)->tagless)
		words_addf(&words, "share.%s.extraArgs=--tag=%s", s->section.id, s->section.id);
	unit_set(u, "ExecStart", "");
	unit_exec(u, "ExecStart", "", HELPERDIR "/microvm-virtiofsd", &words);
}

/* Stopped with the MicroVM, and behind it: the guest needs its files until it is down. */
static void bond(struct text *u, const char *microvm)
{
	unit_setf(u, "PartOf", "microvm@%s.service", microvm);
	unit_setf(u, "Before", "microvm@%s.service", microvm);
}

static int service_write(const struct sink *sink, const struct microvm *vm, const struct share *s)
{
	OWNED(drop_str) char *unit = unit_of(vm, s, "service");
	OWNED(drop_str) char *source = share_source(vm, s);
	OWNED(drop_words) struct words mounts = { 0 };
	OWNED(drop_text) struct text u = { 0 };

	unit_begin(&u, vm->section.place.file);
	bond(&u, vm->name);
	words_add(&mounts, source);
	unit_words(&u, "RequiresMountsFor", &mounts);
	service_lines(&u, vm, s);
	return sink_dropin(sink, unit, u.at);
}

/* Most sockets are as the template has them. */
static bool socket_is_special(const struct microvm *vm, const struct share *s)
{
	return share_has_own_socket(vm, s) || vm->virtiofsd.group;
}

static int socket_write(const struct sink *sink, const struct microvm *vm, const struct share *s)
{
	OWNED(drop_str) char *unit = unit_of(vm, s, "socket");
	OWNED(drop_text) struct text u = { 0 };

	if (!socket_is_special(vm, s))
		return 0;
	unit_begin(&u, vm->section.place.file);
	unit_section(&u, "Socket");
	if (share_has_own_socket(vm, s)) {
		unit_set(&u, "ListenStream", "");
		unit_text(&u, "ListenStream", s->socket);
		unit_set(&u, "DirectoryMode", "0755");
	}
	unit_set(&u, "SocketMode", vm->virtiofsd.group ? "0660" : "0600");
	if (vm->user)
		unit_set(&u, "SocketUser", vm->user);
	if (vm->virtiofsd.group)
		unit_set(&u, "SocketGroup", vm->virtiofsd.group);
	return sink_dropin(sink, unit, u.at);
}

int shares_write(const struct sink *sink, const struct microvm *vm)
{
	int r = 0;

	for (each(struct share, s, vm->shares)) {
		if (r == 0 && s->proto == SHARE_VIRTIOFS)
			r = service_write(sink, vm, s);
		if (r == 0 && s->proto == SHARE_VIRTIOFS)
			r = socket_write(sink, vm, s);
	}
	return r;
}

int share_write_running(const struct sink *sink, const char *share)
{
	OWNED(drop_str) char *microvm = text_format("%.*s", (int)strcspn(share, ":"), share);
	OWNED(drop_str) char *unit = text_format("microvm-virtiofsd@%s.service", share);
	OWNED(drop_text) struct text u = { 0 };

	if (!microvm_name_fits(microvm))
		return 0;
	unit_begin(&u, NULL);
	bond(&u, microvm);
	return sink_dropin(sink, unit, u.at);
}

void shares_running(const struct microvm *vm, const struct words *running, struct words *ret)
{
	for (each(struct share, s, vm->shares)) {
		OWNED(drop_str) char *name = text_format("%s:%s", vm->name, s->section.id);

		if (s->proto == SHARE_VIRTIOFS && words_find(running, name))
			words_add(ret, name);
	}
}

void share_units(const struct microvm *vm, struct words *ret)
{
	for (each(struct share, s, vm->shares))
		if (s->proto == SHARE_VIRTIOFS)
			words_take(ret, unit_of(vm, s, "socket"));
}

static void bind_sockets(struct text *u, const struct microvm *vm)
{
	bool first = true;

	for (each(struct share, s, vm->shares)) {
		OWNED(drop_str) char *socket = share_socket(vm, s);

		if (s->proto != SHARE_VIRTIOFS || share_has_own_socket(vm, s))
			continue;
		if (first)
			unit_set(u, "TemporaryFileSystem", "/run/microvm-virtiofsd:ro,mode=0755");
		unit_bind(u, "BindReadOnlyPaths", socket);
		first = false;
	}
}

/* 9p is the hypervisor's own, which reads and writes as the MicroVM's user. */
static void bind_folders(struct text *u, const struct microvm *vm)
{
	for (each(struct share, s, vm->shares))
		if (s->proto == SHARE_9P && *s->source == '/')
			unit_bind(u, s->read_only ? "BindReadOnlyPaths" : "BindPaths", s->source);
}

void share_service_lines(struct text *u, const struct microvm *vm)
{
	bind_sockets(u, vm);
	bind_folders(u, vm);
	if (vm->virtiofsd.group)
		unit_set(u, "SupplementaryGroups", vm->virtiofsd.group);
}
