/* SPDX-License-Identifier: MIT */
/* microvm-pci-devices@NAME.service calls this when a device of the MicroVM's appears, or before the
 * MicroVM starts: it takes the devices from their drivers, and lets the MicroVM's user use them.
 * When it stops they go back. microvm@.service calls it when the MicroVM has ended, to know whether
 * a device was pulled, and microvm-pci-lost@.service then waits for that. */
#include "device-claim.h"
#include "device-use.h"
#include "pci-notes.h"
#include "pci.h"
#include "refusal.h"
#include "run-program.h"
#include "virtual-function.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define USAGE                                                                                      \
	"microvm-pci-devices NAME [WORD...] | --stop NAME | --ended NAME | --lost NAME | "          \
	"--not-configured NAME"

enum { WRITE_USEC = 60000000 };

struct claim {
	const struct microvm *vm;
	const struct device *device;
	struct pci pci;
};

static void drop_claim(struct claim *c)
{
	drop_pci(&c->pci);
}

#define refuse(c, ...) device_refuse((c)->device, __VA_ARGS__)

static int check_card(const struct claim *c)
{
	const char *expect = c->device->expect;

	if (expect && strcmp(expect, c->pci.id) != 0)
		return refuse(c, "is %s, and expect says %s: another card sits there now",
			      c->pci.id, expect);
	if (c->pci.bridge)
		return refuse(
			c, "is a bridge, which cannot be given away; write the address of what is "
			   "behind it");
	if (!c->pci.group)
		return refuse(
			c, "is in no IOMMU group: the host's IOMMU is off. Switch it on in the "
			   "firmware (VT-d, AMD-Vi) and, for Intel's, with intel_iommu=on on the "
			   "kernel's command line");
	return EXIT_DONE;
}

static int check_use(const struct claim *c)
{
	OWNED(drop_str) char *path = pci_path("", c->device->path, "");
	OWNED(drop_str) char *use = NULL;

	if (c->pci.driver && strcmp(c->pci.driver, PCI_VFIO) == 0)
		return EXIT_DONE;
	use = device_use("", path);
	return use ? refuse(c, "carries %s of this host", use) : EXIT_DONE;
}

static bool is_ours(const struct microvm *vm, const char *address)
{
	for (each(struct device, d, vm->devices))
		if (d->bus == BUS_PCI && d->path && strcmp(d->path, address) == 0)
			return true;
	return false;
}

/* What the kernel lets stay in a group that a guest has: what no driver has, and what cannot do
 * DMA. */
static bool is_in_the_way(const struct pci *p)
{
	return !p->bridge && p->driver && strcmp(p->driver, PCI_VFIO) != 0 &&
	       strcmp(p->driver, "pci-stub") != 0;
}

static int add_other(const struct claim *c, const char *address, struct text *others)
{
	OWNED(drop_pci) struct pci other = { 0 };
	int r = is_ours(c->vm, address) ? 0 : pci_look("", address, &other);

	if (r == 0 && other.address && is_in_the_way(&other))
		text_addf(others, "%s%s (%s)", others->length ? ", " : "", address, other.driver);
	return r == -ENODEV ? 0 : r;
}

/* Devices of one group can reach each other past the IOMMU. */
static int check_group(const struct claim *c)
{
	OWNED(drop_words) struct words members = { 0 };
	OWNED(drop_text) struct text others = { 0 };
	int r = pci_group("", c->pci.group, &members);

	for (size_t i = 0; i < members.count && r == 0; i++)
		r = add_other(c, members.at[i], &others);
	if (r < 0)
		return refuse(c, "IOMMU group %s cannot be read: %s", c->pci.group, strerror(-r));
	if (others.length)
		return refuse(
			c,
			"shares IOMMU group %s with %s; a group goes as a whole: give those to the "
			"same MicroVM, or take them from their drivers",
			c->pci.group, others.at);
	return EXIT_DONE;
}

static int let_in(const struct claim *c, const struct stat *user)
{
	OWNED(drop_str) char *node = text_format("/dev/vfio/%s", c->pci.group);

	if (chown(node, user->st_uid, user->st_gid) < 0)
		return refuse(c, "its node %s cannot be given to the MicroVM's user: %s", node,
			      strerror(errno));
	return EXIT_DONE;
}

/* A virtual function is lost with its parent, and cannot come back before that. */
static int note(const char *name, const struct device *d)
{
	bool required = d->required && !d->sriov_parent;
	int r = pci_note(name, d->path, d->give_back, required);

	if (r == 0 && d->required && d->sriov_parent)
		r = pci_note(name, d->sriov_parent, false, true);
	return r;
}

/* Back to the driver that had it. */
static int refuse_untaken(struct claim *c, const char *before)
{
	int r = refuse(c,
		       "was taken from %s, and then vfio-pci did not have it but %s; is the "
		       "module there?",
		       before, c->pci.driver ? c->pci.driver : "no driver");

	(void)pci_give_back(&c->pci, WRITE_USEC);
	return r;
}

static int take(struct claim *c)
{
	OWNED(drop_str) char *before = text_copy(c->pci.driver ? c->pci.driver : "no driver");
	int r = note(c->vm->name, c->device);

	if (r < 0)
		return refuse(c, "cannot be noted in " PCI_NOTES ": %s", strerror(-r));
	r = pci_take(&c->pci, WRITE_USEC);
	if (r == -ETIMEDOUT)
		return refuse(c, "is not let go by %s within %d s; its driver hangs", before,
			      WRITE_USEC / 1000000);
	if (r == -ENOLINK)
		return refuse_untaken(c, before);
	return r < 0 ? refuse(c, "cannot be taken from %s: %s", before, strerror(-r)) : EXIT_DONE;
}

static bool is_present(const char *address)
{
	OWNED(drop_str) char *path = pci_path("", address, "");

	return access(path, F_OK) == 0;
}

static int claim(const struct microvm *vm, struct device *d, const struct stat *user)
{
	OWNED(drop_claim) struct claim claim = { .vm = vm, .device = d };
	struct claim *c = &claim;
	const char *card = d->sriov_parent ? d->sriov_parent : d->path;
	int r = EXIT_DONE;

	if (!d->required && !is_present(card)) {
		log_line(LEVEL_NOTICE, "[device %s] %s is not there; the MicroVM does without it",
			 d->section.id, card);
		return EXIT_DONE;
	}
	if (d->sriov_parent)
		r = virtual_function_make(vm, d);
	if (r != EXIT_DONE)
		return r;
	r = pci_look("", d->path, &c->pci);
	if (r < 0)
		return refuse(c, r == -ENODEV ? "is not there" : "cannot be looked at: %s",
			      strerror(-r));
	r = check_card(c);
	if (r == EXIT_DONE)
		r = check_use(c);
	if (r == EXIT_DONE)
		r = check_group(c);
	if (r == EXIT_DONE)
		r = take(c);
	return r == EXIT_DONE ? let_in(c, user) : r;
}

/* Asks for it, and does not wait: who asks is in the way of what comes. */
static void ask_systemd(const char *verb, const char *template, const char *name)
{
	OWNED(drop_str) char *unit = text_format("%s@%s.service", template, name);
	const char *const words[] = { "systemctl", "--no-block", verb, unit };
	OWNED(drop_words) struct words argv = { 0 };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		words_add(&argv, words[i]);
	if (program_run(&argv, NULL, -1) != 0)
		log_line(LEVEL_WARNING, "systemctl %s %s failed", verb, unit);
}

/* A MicroVM that lost a device goes on when it is back, and so does one that is to run whenever it
 * can. */
static void start_again(const struct microvm *vm)
{
	OWNED(drop_str) char *waits = text_format("/run/microvm-pci-lost/%s", vm->name);
	OWNED(drop_str)
	char *enabled = text_format("/etc/systemd/system/microvms.target.wants/microvm@%s.service",
				    vm->name);
	struct stat st;
	bool waited = lstat(waits, &st) == 0;

	if (waited || lstat(enabled, &st) == 0)
		ask_systemd("start", "microvm", vm->name);
	if (waited)
		ask_systemd("stop", "microvm-pci-lost", vm->name);
}

static const struct device_claimer claimer = {
	.bus = BUS_PCI,
	.unit = "microvm-pci-devices@.service",
	.claim = claim,
	.claimed = start_again,
};

/* The user's number may be another's tomorrow. */
static void lock_out(const struct pci *p)
{
	OWNED(drop_str) char *node = text_format("/dev/vfio/%s", p->group ? p->group : "");

	(void)chown(node, 0, 0);
}

static int give_back_one(const char *address, bool give_back)
{
	OWNED(drop_pci) struct pci p = { 0 };
	int r = pci_look("", address, &p);

	/* One without a driver may be one that a driver hangs in. */
	if (r < 0 || !p.driver || strcmp(p.driver, PCI_VFIO) != 0)
		return r == -ENODEV ? 0 : r;
	lock_out(&p);
	return give_back ? pci_give_back(&p, WRITE_USEC) : 0;
}

static int stop(const char *name)
{
	OWNED(drop_words) struct words notes = { 0 };
	int r = pci_notes_read(name, &notes), ret = EXIT_DONE;

	if (r < 0)
		return log_failure(r, PCI_NOTES);
	for (size_t i = 0; i < notes.count; i++) {
		bool give_back = pci_note_says(notes.at[i], "give-back");

		pci_note_cut(notes.at[i]);
		r = give_back_one(notes.at[i], give_back);
		if (r < 0)
			ret = log_failure(r, "%s cannot be given back to its driver", notes.at[i]);
	}
	pci_notes_remove(name);
	return ret;
}

static int ended(const char *name)
{
	OWNED(drop_words) struct words notes = { 0 };
	int r = pci_notes_read(name, &notes);
	bool lost = false;

	for (size_t i = 0; i < notes.count && r == 0; i++) {
		if (!pci_note_says(notes.at[i], "required") || pci_note_holds(notes.at[i]))
			continue;
		pci_note_cut(notes.at[i]);
		log_line(LEVEL_WARNING,
			 "%s was pulled out; the MicroVM starts again when it is back",
			 notes.at[i]);
		r = pci_note_lost(name, notes.at[i]);
		lost = true;
	}
	/* Not "start": one that waits already is to read what was lost now. */
	if (lost)
		ask_systemd("restart", "microvm-pci-lost", name);
	return r < 0 ? log_failure(r, PCI_NOTES) : EXIT_DONE;
}

/* The unit stays active, which is what the devices' return looks for. Those that are back already
 * came while the MicroVM was still stopping, when systemd would not start anything for them. */
static int wait_for_lost(const char *name)
{
	OWNED(drop_words) struct words lost = { 0 };
	int r = pci_take_lost(name, &lost);
	bool all = true;

	for (size_t i = 0; i < lost.count; i++)
		all = is_present(lost.at[i]) && all;
	if (r == 0 && all)
		ask_systemd("start", "microvm", name);
	return r < 0 ? log_failure(r, PCI_NOTES) : EXIT_DONE;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--stop") == 0)
		return stop(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--ended") == 0)
		return ended(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--lost") == 0)
		return wait_for_lost(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--not-configured") == 0)
		return refuse_not_configured(argv[2]);
	if (argc < 2 || argv[1][0] == '-')
		return log_usage(USAGE);
	return devices_claim(&claimer, argv[1], argv + 2);
}
