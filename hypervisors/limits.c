/* SPDX-License-Identifier: MIT */
#include "limits.h"

#include "../common/log.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void check_value(const struct microvm *vm, const struct section *s, const char *key,
			const char *value, const char *separators, struct problems *problems)
{
	const char *found = value ? strpbrk(value, separators) : NULL;

	if (found)
		problem_in(problems, s, key, "'%s': %s has no way to write the '%c' in it", value,
			   hypervisors[vm->hypervisor]->name, *found);
}

static void check_share_path(const struct microvm *vm, const struct share *s,
			     const char *separators, struct problems *problems)
{
	bool virtiofs = s->proto == SHARE_VIRTIOFS;
	OWNED(drop_str) char *path = NULL;

	if (!s->source)
		return;
	path = virtiofs ? share_socket(vm, s) : share_source(vm, s);
	check_value(vm, &s->section, virtiofs ? "socket" : "source", path, separators, problems);
}

void check_separators(const struct microvm *vm, const char *in_paths, const char *in_serials,
		      struct problems *problems)
{
	OWNED(drop_str) char *socket = microvm_socket(vm);

	check_value(vm, &vm->section, "socket", socket, in_paths, problems);
	for (each(struct volume, v, vm->volumes)) {
		OWNED(drop_str) char *path = volume_path(vm, v);

		check_value(vm, &v->section, "image", path, in_paths, problems);
		check_value(vm, &v->section, "serial", volume_serial(v), in_serials, problems);
	}
	for (each(struct share, s, vm->shares))
		check_share_path(vm, s, in_paths, problems);
}

void check_whole_mib(const struct microvm *vm, struct problems *problems)
{
	if (vm->mem % (1 << 20) != 0)
		problem_in(problems, &vm->section, "mem", "%s takes no parts of a MiB",
			   hypervisors[vm->hypervisor]->name);
}

void check_vcpus(const struct microvm *vm, unsigned most, struct problems *problems)
{
	if (vm->vcpu > most)
		problem_in(problems, &vm->section, "vcpu", "'%u' is not between 1 and %u", vm->vcpu,
			   most);
}

static void check_plain_share(const struct microvm *vm, const struct share *s,
			      struct problems *problems)
{
	const char *name = hypervisors[vm->hypervisor]->name;

	if (s->security_model == SECURITY_MAPPED || s->security_model == SECURITY_MAPPED_FILE)
		problem_in(problems, &s->section, "securityModel",
			   "%s keeps no owners and modes; write none, or leave it out", name);
	if (s->read_only && *s->source != '/')
		problem_in(problems, &s->section, "readOnly",
			   "%s cannot refuse the guest's writes, and in the state folder nobody "
			   "else does; "
			   "write source as an absolute path elsewhere",
			   name);
}

void check_plain_9p(const struct microvm *vm, struct problems *problems)
{
	for (each(struct share, s, vm->shares))
		if (s->proto == SHARE_9P && s->source)
			check_plain_share(vm, s, problems);
}

void check_socket_kept(const struct microvm *vm, struct problems *problems)
{
	if (section_sets(&vm->section, "socket") && (!vm->socket || !*vm->socket))
		problem_in(problems, &vm->section, "socket",
			   "%s does not start without it; leave the key out",
			   hypervisors[vm->hypervisor]->name);
}

void check_kernel_or_firmware(const struct microvm *vm, struct problems *problems)
{
	if (section_sets(&vm->section, "kernel") && section_sets(&vm->section, "firmware"))
		problem_in(problems, &vm->section, "firmware",
			   "%s boots either a kernel or firmware; leave one of them out",
			   hypervisors[vm->hypervisor]->name);
}

void check_volume_count(const struct microvm *vm, size_t most, struct problems *problems)
{
	if (vm->volumes.count > most)
		problem_in(problems, vm->volumes.at[most], NULL,
			   "%s takes no more than %zu volumes", hypervisors[vm->hypervisor]->name,
			   most);
}

void check_tags(const struct microvm *vm, enum share_proto proto, size_t longest,
		struct problems *problems)
{
	for (each(struct share, s, vm->shares))
		if (s->proto == proto && strlen(s->section.id) > longest)
			problem_in(problems, &s->section, NULL,
				   "the tag '%s' is longer than the %zu bytes that %s takes with "
				   "proto=%s",
				   s->section.id, longest, hypervisors[vm->hypervisor]->name,
				   proto == SHARE_9P ? "9p" : "virtiofs");
}

void check_too_old(const struct microvm *vm, const struct section *s, const char *key, unsigned release,
		   unsigned needed, struct problems *problems)
{
	if (release < needed)
		problem_in(problems, s, key, "%s %u.%u is installed, and this needs %u.%u",
			   hypervisors[vm->hypervisor]->name, release >> 16, release & 0xffff, needed >> 16,
			   needed & 0xffff);
}

int refuse_no_bzimage(const struct microvm *vm)
{
	enum kernel_format format = kernel_image(vm->kernel).format;

	/* One that cannot be read is refused by who reads it, with the reason. */
	if (format == KERNEL_BZIMAGE || format == KERNEL_UNREADABLE)
		return EXIT_DONE;
	log_line(LEVEL_ERROR, "kernel: %s is %s, and %s boots bzImages alone", vm->kernel,
		 format == KERNEL_ELF ? "an ELF file" : "no kernel",
		 hypervisors[vm->hypervisor]->name);
	return EXIT_REFUSED;
}

/* What an image begins with that is not raw. */
static const struct {
	const char *name, *bytes;
} image_beginnings[] = {
	{ "qcow2", "QFI\xfb" },
	{ "vhdx", "vhdxfile" },
	{ "vhd", "conectix" },
	{ "sparse Android", "\x3a\xff\x26\xed" },
	{ "composite", "composite_disk" },
	{ "zstd", "\x28\xb5\x2f\xfd" },
};

static const char *other_image(const char *path)
{
	OWNED(drop_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char begin[16] = "";

	/* Who opens it tells what is wrong then. */
	if (fd < 0 || pread(fd, begin, sizeof(begin), 0) < 0)
		return NULL;
	for (size_t i = 0; i < sizeof(image_beginnings) / sizeof(*image_beginnings); i++)
		if (memcmp(begin, image_beginnings[i].bytes, strlen(image_beginnings[i].bytes)) == 0)
			return image_beginnings[i].name;
	return NULL;
}

int refuse_other_images(const struct microvm *vm)
{
	for (each(struct volume, v, vm->volumes)) {
		OWNED(drop_str) char *path = volume_path(vm, v);
		const char *other = v->image_type == IMAGE_RAW ? other_image(path) : NULL;

		if (!other)
			continue;
		log_line(LEVEL_ERROR,
			 "volume %s: %s begins as a %s image, and imageType is raw; %s goes by what it finds, and "
			 "the guest may have written that to be given other files of the host",
			 v->section.id, path, other, hypervisors[vm->hypervisor]->name);
		return EXIT_REFUSED;
	}
	return EXIT_DONE;
}

const char huge_pages_folder[] = "/dev/hugepages";

void check_huge_mem(const struct microvm *vm, struct problems *problems)
{
	if (vm->hugepage_mem && vm->mem % (2 << 20) != 0)
		problem_in(problems, &vm->section, "mem",
			   "is not a multiple of 2M, the size of a huge page");
}

int refuse_no_huge_pages_folder(const struct microvm *vm)
{
	if (!vm->hugepage_mem || access(huge_pages_folder, W_OK) == 0)
		return EXIT_DONE;
	return log_failure(
		-errno,
		"hugepageMem: %s makes files of huge pages in %s, and the MicroVM's user cannot; "
		"mount it with the options mode=1770,gid=kvm (a remount changes neither)",
		hypervisors[vm->hypervisor]->name, huge_pages_folder);
}

int refuse_no_gpu(const struct microvm *vm, const struct launch *launch)
{
	if (!vm->graphics.enable || !vm->graphics.vulkan || launch->render_node)
		return EXIT_DONE;
	log_line(LEVEL_ERROR,
		 "[graphics] vulkan: the host has no GPU in /dev/dri that the MicroVM may use");
	return EXIT_REFUSED;
}

const struct queues *interface_queues(const struct launch *launch, const struct interface *i)
{
	for (size_t n = 0; n < launch->queue_count; n++)
		if (launch->queues[n].interface == i)
			return &launch->queues[n];
	return NULL;
}

char *macvtap_path(const struct microvm *vm, const struct interface *i)
{
	return text_format("/run/microvm-macvtap/%s/%s", vm->name, i->section.id);
}

int macvtap_fd(const struct launch *launch, const struct interface *i)
{
	return interface_queues(launch, i)->fds[0];
}

bool wants_vhost(const struct launch *launch, const struct interface *i)
{
	return launch->vhost_net && (i->tap_vhost || !section_sets(&i->section, "tap.vhost"));
}
