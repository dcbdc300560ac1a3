/* SPDX-License-Identifier: MIT */
/* microvm-usb-devices@NAME.service calls this before the MicroVM starts: it gives the nodes of the
 * MicroVM's USB devices to its user, and tells udev whose those are that are plugged in later. When it
 * stops they are root's again. */
#include "device-claim.h"
#include "device-use.h"
#include "refusal.h"
#include "usb.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../config/device.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#define USAGE "microvm-usb-devices NAME [WORD...] | --stop NAME | --not-configured NAME"

/* A file for each identity that is given, VENDOR:PRODUCT, which udev/60-microvm.rules reads; beside
 * the folders of the users, in a folder of root's. */
#define OWNERS "/run/microvm-usb"

enum { POLL_USEC = 100000, WRITE_USEC = 10000000 };

static int write_owner(const char *identity, const char *name, const struct stat *user)
{
	OWNED(drop_str) char *path = text_format(OWNERS "/%s", identity);
	OWNED(drop_str) char *new = text_format("%s.new", path);
	OWNED(drop_file) FILE *f = fopen(new, "we");

	if (!f)
		return -errno;
	(void)fprintf(f, "MICROVM_NAME=%s\nMICROVM_USER=%u\n", name, user->st_uid);
	if (fflush(f) != 0 || ferror(f))
		return -EIO;
	return rename(new, path) < 0 ? -errno : 0;
}

/* Whether the file says that a device with this identity is the MicroVM's. */
static bool is_owner(const char *identity, const char *name)
{
	OWNED(drop_str) char *path = text_format(OWNERS "/%s", identity);
	OWNED(drop_str) char *want = text_format("MICROVM_NAME=%s\n", name);
	OWNED(drop_file) FILE *f = fopen(path, "re");
	char line[256];

	return f && fgets(line, sizeof(line), f) && strcmp(line, want) == 0;
}

/* One that is gone by now is no failure: another comes by udev. */
static int give(const struct device *d, const char *name, const struct stat *user)
{
	OWNED(drop_str) char *folder = usb_path("", name);
	OWNED(drop_str) char *node = usb_node("", name);
	OWNED(drop_str) char *use = device_use("", folder);

	if (use)
		return device_refuse(d, "carries %s of this host", use);
	if (node && chown(node, user->st_uid, user->st_gid) < 0 && errno != ENOENT)
		return device_refuse(d, "cannot be given to the MicroVM's user: %s: %s", node,
				     strerror(errno));
	return EXIT_DONE;
}

static int await(const struct device *d, const char *identity, uint64_t usec, struct words *ret)
{
	const struct timespec pause = { .tv_nsec = POLL_USEC * 1000 };
	int r = usb_find("", identity, ret);

	if (r == 0 && ret->count == 0 && !d->required)
		log_line(LEVEL_NOTICE,
			 "[device %s] %s is not plugged in; the MicroVM does without it until it is",
			 d->section.id, d->path);
	if (r < 0 || ret->count > 0 || !d->required)
		return r;
	log_line(LEVEL_NOTICE, "[device %s] waits for %s to be plugged in", d->section.id, d->path);
	for (; r == 0 && ret->count == 0 && usec >= POLL_USEC; usec -= POLL_USEC) {
		(void)nanosleep(&pause, NULL);
		r = usb_find("", identity, ret);
	}
	return r == 0 && ret->count == 0 ? -ETIMEDOUT : r;
}

static int claim(const struct microvm *vm, struct device *d, const struct stat *user)
{
	OWNED(drop_words) struct words found = { 0 };
	struct usb_identity identity;
	int r;

	if (!usb_identity_read(d->path, &identity))
		return device_refuse(d, "is not vendorid=0x...,productid=0x...");
	/* First, so that none is plugged in unseen. */
	r = write_owner(identity.text, vm->name, user);
	if (r < 0)
		return device_refuse(d, "cannot be noted in " OWNERS ": %s", strerror(-r));
	r = await(d, identity.text, vm->startup_timeout, &found);
	if (r == -ETIMEDOUT)
		return device_refuse(d, "is not plugged in");
	if (r < 0)
		return device_refuse(d, "cannot be looked for: %s", strerror(-r));
	r = EXIT_DONE;
	for (size_t i = 0; i < found.count && r == EXIT_DONE; i++)
		r = give(d, found.at[i], user);
	return r;
}

static void take_back_one(const char *name)
{
	OWNED(drop_str) char *node = usb_node("", name);

	if (node)
		(void)chown(node, 0, 0);
	usb_give_back("", name, WRITE_USEC);
}

/* First nobody's, so that none that is plugged in now is given. */
static int take_back(const char *identity)
{
	OWNED(drop_str) char *path = text_format(OWNERS "/%s", identity);
	OWNED(drop_words) struct words found = { 0 };
	int r = unlink(path) < 0 ? -errno : usb_find("", identity, &found);

	for (size_t i = 0; i < found.count; i++)
		take_back_one(found.at[i]);
	return r < 0 ? log_failure(r, "USB devices %s cannot be taken back", identity) : EXIT_DONE;
}

static int stop(const char *name)
{
	OWNED(drop_dir) DIR *dir = opendir(OWNERS);
	struct dirent *entry;
	int r = EXIT_DONE;

	while (dir && (entry = readdir(dir)))
		if (strchr(entry->d_name, ':') && is_owner(entry->d_name, name) &&
		    take_back(entry->d_name) != EXIT_DONE)
			r = EXIT_REFUSED;
	return r;
}

static const struct device_claimer claimer = {
	.bus = BUS_USB,
	.unit = "microvm-usb-devices@.service",
	.claim = claim,
};

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--stop") == 0)
		return stop(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--not-configured") == 0)
		return refuse_not_configured(argv[2]);
	if (argc < 2 || argv[1][0] == '-')
		return log_usage(USAGE);
	return devices_claim(&claimer, argv[1], argv + 2);
}
