/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "keys.h"
#include "root.h"
#include "../common/block.h"
#include "../common/owned.h"
#include "../common/text.h"
#include "../hypervisors/hypervisor.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void check_required(const struct section *s, struct problems *p)
{
	for (size_t i = 0; i < s->kind->count; i++) {
		const struct key *key = &s->kind->keys[i];

		if ((key->rules & REQUIRED) && !key_place(key, s)->file)
			problem_in(p, s, key->name, "is missing");
	}
}

static void check_all_required(const struct microvm *vm, struct problems *p)
{
	for (size_t i = 0; i < section_kind_count; i++) {
		const struct sections *list =
			(const void *)((const char *)vm + section_kinds[i].offset);

		if (section_kinds[i].longest == 0)
			continue;
		for (size_t j = 0; j < list->count; j++)
			check_required(list->at[j], p);
	}
}

static void check_boot(const struct microvm *vm, struct problems *p)
{
	const struct section *s = &vm->section;

	if (!section_sets(s, "kernel") && !section_sets(s, "firmware"))
		problem_in(p, s, "kernel", "is missing; write kernel=/path/of/a/kernel");
	if (section_sets(s, "kernel") && vm->kernel && !*vm->kernel)
		problem_in(p, s, "kernel", "a value is missing");
	if (section_sets(s, "firmware") && vm->firmware && !*vm->firmware)
		problem_in(p, s, "firmware", "a value is missing");
	if (section_sets(s, "initrdPath") && vm->initrd_path && !*vm->initrd_path)
		problem_in(p, s, "initrdPath", "a value is missing; leave the key out for a boot "
					       "without initrd");
}

/* What goes with a kernel, or on its command line. */
static void check_firmware_alone(const struct microvm *vm, struct problems *p)
{
	static const char *const keys[] = { "initrdPath", "kernelParams" };
	static const char with_kernel[] = "goes with a kernel; what the firmware boots has its own";

	if (!section_sets(&vm->section, "firmware") || section_sets(&vm->section, "kernel"))
		return;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (section_sets(&vm->section, keys[i]))
			problem_in(p, &vm->section, keys[i], "%s", with_kernel);
	for (each(struct volume, v, vm->volumes))
		if (v->mount_point)
			problem_in(p, &v->section, "mountPoint", "%s", with_kernel);
	for (each(struct share, s, vm->shares))
		if (s->mount_point)
			problem_in(p, &s->section, "mountPoint", "%s", with_kernel);
}

/* Whether the path lies where another name has its folder. */
static bool is_of_another(const struct microvm *vm, const char *path, const char *folders)
{
	size_t n = strlen(folders), m = strlen(vm->name);

	return strncmp(path, folders, n) == 0 &&
	       (strncmp(path + n, vm->name, m) != 0 || (path[n + m] != '/' && path[n + m]));
}

static void check_socket(const struct microvm *vm, struct problems *p)
{
	OWNED(drop_str) char *socket = microvm_socket(vm);

	/* sizeof(sun_path) - 1, unix(7) */
	if (socket && strlen(socket) > 107)
		problem_in(p, &vm->section, "socket", "'%s' is longer than the 107 bytes that a socket's "
						      "path may have", socket);
	if (socket && is_of_another(vm, socket, "/run/microvm/"))
		problem_in(p, &vm->section, "socket", "'%s' is the place of another MicroVM's; write a path "
						      "elsewhere", socket);
	if (socket)
		return;
	if (vm->readiness == READINESS_VMM)
		problem_in(p, &vm->section, "readiness", "without a control socket nobody can tell when "
			   "the hypervisor answers; write readiness=none or set socket");
	warning_in(p, &vm->section, "socket", "without a control socket the guest cannot be asked to shut "
					      "down: every stop will be a power cut");
}

/* systemd-tmpfiles removes what is old there, and each unit sees a folder of its own. */
static bool is_temporary(const char *path)
{
	return path && (strncmp(path, "/tmp/", 5) == 0 || strncmp(path, "/var/tmp/", 9) == 0);
}

static void check_state_dir(const struct microvm *vm, struct problems *p)
{
	static const char *const shared[] = { "/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib",
					      "/opt", "/proc", "/root", "/run", "/run/microvm", "/sbin",
					      "/srv", "/sys", "/tmp", "/usr", "/var", "/var/lib",
					      "/var/lib/microvms", "/var/tmp" };

	if (!section_sets(&vm->section, "stateDir") || !vm->state_dir)
		return;
	if (!*vm->state_dir)
		problem_in(p, &vm->section, "stateDir", "a value is missing");
	if (is_temporary(vm->state_dir))
		problem_in(p, &vm->section, "stateDir", "'%s' is where old files are removed; write a "
							"folder elsewhere", vm->state_dir);
	if (is_of_another(vm, vm->state_dir, "/var/lib/microvms/"))
		problem_in(p, &vm->section, "stateDir", "'%s' is the place of another MicroVM's; write a "
							"folder elsewhere", vm->state_dir);
	for (size_t i = 0; i < sizeof(shared) / sizeof(*shared); i++)
		if (strcmp(vm->state_dir, shared[i]) == 0)
			problem_in(p, &vm->section, "stateDir", "'%s' is not for one MicroVM alone; "
				   "write a folder below it, such as %s/%s", vm->state_dir,
				   i ? vm->state_dir : "", vm->name);
}

static void check_order(const struct microvm *vm, struct problems *p)
{
	if (words_have(&vm->after, vm->name))
		problem_in(p, &vm->section, "after", "names the MicroVM itself");
	if (words_have(&vm->requires, vm->name))
		problem_in(p, &vm->section, "requires", "names the MicroVM itself");
}

/* Bytes of a label that the file system takes: mke2fs(8), mkfs.xfs(8), mkfs.btrfs(8), mkfs.vfat(8) */
static size_t label_limit(enum fs_type type)
{
	static const size_t limits[FS_TYPES] = {
		[FS_EXT2] = 16, [FS_EXT3] = 16, [FS_EXT4] = 16,
		[FS_XFS] = 12,	[FS_BTRFS] = 255, [FS_VFAT] = 11,
	};

	return limits[type];
}

static void check_label(const struct volume *v, struct problems *p)
{
	size_t limit = label_limit(volume_fs_type(v));

	if (limit == 0 && v->label)
		problem_in(p, &v->section, "label", "there is no file system to label; set fsType");
	else if (v->label && strlen(v->label) > limit)
		problem_in(p, &v->section, "label", "'%s' is longer than the %zu bytes that this file "
						    "system's label may have", v->label, limit);
	if (limit == 0 && v->mkfs_extra_args.count > 0)
		problem_in(p, &v->section, "mkfsExtraArgs", "no file system is made; set fsType");
}

/* LABEL=data and the like; "LABLE=data" is to be no file of that name. */
static void check_tag(const struct volume *v, struct problems *p)
{
	size_t n =
		v->image ? strspn(v->image, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
			 : 0;
	const char *value = n > 0 && v->image[n] == '=' ? v->image + n + 1 : NULL;

	if (!value)
		return;
	if (!volume_is_device(v))
		problem_in(p, &v->section, "image",
			   "'%s' is none of LABEL=, UUID=, PARTLABEL= and "
			   "PARTUUID=; write the whole path of a file that has such a name",
			   v->image);
	else if (strcmp(value, "") == 0 || strcmp(value, ".") == 0 || strcmp(value, "..") == 0)
		problem_in(p, &v->section, "image",
			   "'%s' names no device; write its %.*s behind the '='", v->image, (int)n,
			   v->image);
}

/* What would be for an image that is made. */
static void check_device_keys(const struct volume *v, struct problems *p)
{
	static const char *const keys[] = { "autoCreate", "label", "mkfsExtraArgs" };

	if (!volume_is_device(v))
		return;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (section_sets(&v->section, keys[i]) && (i > 0 || v->auto_create))
			warning_in(p, &v->section, keys[i],
				   "does nothing for '%s': a block device is never made "
				   "or formatted",
				   v->image);
}

static void check_image(const struct volume *v, struct problems *p)
{
	if (v->image && v->image[strlen(v->image) - 1] == '/')
		problem_in(p, &v->section, "image", "'%s' is a folder's name; write a file's", v->image);
	if (is_temporary(v->image))
		problem_in(p, &v->section, "image", "'%s' is where old files are removed; write a path "
						    "elsewhere", v->image);
	check_tag(v, p);
	check_device_keys(v, p);
	if (v->image_type != IMAGE_RAW && v->fs_type != FS_NONE && section_sets(&v->section, "fsType"))
		problem_in(p, &v->section, "fsType", "a file system can only be made in a raw image; "
						     "write fsType=none or imageType=raw");
	if (section_sets(&v->section, "size") && v->size < 1024 * 1024)
		problem_in(p, &v->section, "size", "is less than 1M");
}

static void check_volume_pair(const struct microvm *vm, const struct volume *a,
			      const struct volume *b, struct problems *p)
{
	OWNED(drop_str) char *one = volume_path(vm, a);
	OWNED(drop_str) char *other = volume_path(vm, b);

	if (strcmp(one, other) == 0)
		problem_in(p, &b->section, "image", "'%s' is the image of [volume %s] already", other,
			   a->section.id);
	if (strcmp(volume_serial(a), volume_serial(b)) == 0)
		problem_in(p, &b->section, "serial", "'%s' is the serial number of [volume %s] already",
			   volume_serial(b), a->section.id);
}

static void check_volumes(const struct microvm *vm, struct problems *p)
{
	for (size_t i = 0; i < vm->volumes.count; i++) {
		const struct volume *v = (const struct volume *)vm->volumes.at[i];

		check_image(v, p);
		check_label(v, p);
		for (size_t j = 0; j < i; j++)
			check_volume_pair(vm, (const struct volume *)vm->volumes.at[j], v, p);
	}
}

static void check_share_socket(const struct microvm *vm, const struct share *s, struct problems *p)
{
	OWNED(drop_str) char *socket = share_socket(vm, s);

	if (s->proto != SHARE_VIRTIOFS)
		return;
	if (s->socket && !*s->socket)
		problem_in(p, &s->section, "socket", "a value is missing");
	/* sizeof(sun_path) - 1, unix(7) */
	if (strlen(socket) > 107)
		problem_in(p, &s->section, "socket", "'%s' is longer than the 107 bytes that a socket's path may "
						     "have; shorten the tag", socket);
	if (share_has_own_socket(vm, s) && !vm->user && !vm->virtiofsd.group)
		problem_in(p, &s->section, "socket", "'%s' has to be there before the MicroVM's own user is; set "
			   "[virtiofsd] group or [microvm] user, or leave socket out", s->socket);
}

/* Keys of the other protocol, which would be read and mean nothing. */
static void check_share_proto(const struct share *s, struct problems *p)
{
	static const char *const virtiofs[] = { "socket", "cache", "posixAcl", "extraArgs" };

	for (size_t i = 0; i < sizeof(virtiofs) / sizeof(*virtiofs); i++)
		if (s->proto == SHARE_9P && section_sets(&s->section, virtiofs[i]))
			problem_in(p, &s->section, virtiofs[i], "is for virtiofs; write proto=virtiofs");
	if (s->proto == SHARE_VIRTIOFS && section_sets(&s->section, "securityModel"))
		problem_in(p, &s->section, "securityModel", "is for 9p; leave it out");
	if (s->proto == SHARE_9P && s->security_model == SECURITY_PASSTHROUGH)
		warning_in(p, &s->section, "securityModel", "passthrough needs powers over files that the "
			   "MicroVM's user does not have; write mapped, or proto=virtiofs");
}

static void check_shares(const struct microvm *vm, struct problems *p)
{
	for (each(struct share, s, vm->shares)) {
		if (!s->source)
			continue;
		if (is_temporary(s->source))
			problem_in(p, &s->section, "source", "'%s' is where old files are removed; write a folder "
							     "elsewhere", s->source);
		check_share_socket(vm, s, p);
		check_share_proto(s, p);
	}
}

/* A word of the kernel's command line, cut at each ':' by the guest's systemd. */
static void check_mount_point(const struct section *s, const char *path, struct words *paths,
			      struct problems *p)
{
	if (!path)
		return;
	if (path[strspn(path, "/")] == '\0' || strpbrk(path, " \"':\\"))
		problem_in(p, s, "mountPoint", "'%s' is not a folder that a guest can be told to mount at; "
			   "write an absolute path without blanks, quotes, colons and backslashes", path);
	if (words_have(paths, path))
		problem_in(p, s, "mountPoint", "'%s' is the place of another volume or share already", path);
	words_add(paths, path);
}

/* udev writes another name for other serial numbers. */
static void check_mounted_serial(const struct volume *v, struct problems *p)
{
	const char *serial = volume_serial(v);

	if (v->mount_point && serial[strspn(serial, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
						    "0123456789._-")])
		problem_in(p, &v->section, "serial", "'%s': by it the guest finds what to mount, so write letters, "
						     "digits, '.', '_' and '-'", serial);
}

static void check_mount_points(const struct microvm *vm, struct problems *p)
{
	OWNED(drop_words) struct words paths = { 0 };

	for (each(struct volume, v, vm->volumes)) {
		check_mount_point(&v->section, v->mount_point, &paths, p);
		check_mounted_serial(v, p);
	}
	for (each(struct share, s, vm->shares))
		check_mount_point(&s->section, s->mount_point, &paths, p);
}

static void check_credentials(const struct microvm *vm, struct problems *p)
{
	for (each(struct credential, c, vm->credentials)) {
		if ((c->path && !*c->path) || (c->encrypted_path && !*c->encrypted_path))
			problem_in(p, &c->section, c->path && !*c->path ? "path" : "encryptedPath",
				   "names no file; leave the section out for no credential");
		if (!c->path + !c->encrypted_path + !c->value != 2)
			problem_in(p, &c->section, NULL, "has to have one of path, encryptedPath and value");
	}
}

static void check_vsock(const struct microvm *vm, struct problems *p)
{
	if (vm->readiness == READINESS_GUEST && !vm->vsock.cid)
		problem_in(p, &vm->section, "readiness", "the guest tells over vsock that it is up; write cid=auto "
			   "in [vsock], or readiness=vmm");
	if (vm->vsock.ssh_enable && !vm->vsock.cid)
		problem_in(p, &vm->vsock.section, "ssh.enable", "there is no vsock without an address; write cid=auto");
	if (vm->readiness == READINESS_GUEST && !vm->kernel)
		problem_in(p, &vm->section, "readiness", "the kernel's command line tells the guest where it is "
			   "waited for; write kernel=/path/of/a/kernel, or readiness=vmm");
}

/* What a package says has to fit together as what a file says. */
static void check_of_runner(const struct microvm *vm, struct problems *problems)
{
	check_order(vm, problems);
	microvm_check_networks(vm, problems);
	microvm_check_devices(vm, problems);
	check_shares(vm, problems);
}

void microvm_check(const struct microvm *vm, struct problems *problems)
{
	if (vm->runner) {
		check_of_runner(vm, problems);
		return;
	}
	check_all_required(vm, problems);
	check_boot(vm, problems);
	check_firmware_alone(vm, problems);
	check_socket(vm, problems);
	check_state_dir(vm, problems);
	check_order(vm, problems);
	check_volumes(vm, problems);
	microvm_check_memory(vm, problems);
	microvm_check_graphics(vm, problems);
	microvm_check_networks(vm, problems);
	microvm_check_devices(vm, problems);
	check_shares(vm, problems);
	check_mount_points(vm, problems);
	check_credentials(vm, problems);
	check_vsock(vm, problems);
	hypervisor_check(vm, problems);
}

static void check_file(const struct microvm *vm, const char *key, const char *path,
		       struct problems *p)
{
	if (path && *path && access(path, R_OK) < 0)
		warning_in(p, &vm->section, key, "%s: %s", path, strerror(errno));
}

/* Only what anybody may see; the start looks into it. */
static void check_device(const struct volume *v, const char *path, struct problems *p)
{
	OWNED(drop_str) char *use = NULL;
	struct stat st;
	uint64_t size;

	if (stat(path, &st) < 0) {
		warning_in(p, &v->section, "image", "%s: %s", path, strerror(errno));
		return;
	}
	if (!S_ISBLK(st.st_mode)) {
		warning_in(p, &v->section, "image", "%s is not a block device", path);
		return;
	}
	use = block_use("", st.st_rdev);
	size = block_size("", st.st_rdev);
	if (use)
		warning_in(p, &v->section, "image", "%s %s; a MicroVM must have it for itself",
			   path, use);
	if (section_sets(&v->section, "size") && size > 0 && size < v->size)
		warning_in(p, &v->section, "size",
			   "%s has only %" PRIu64 " bytes, and a block device is "
			   "never grown",
			   path, size);
}

void microvm_check_host(const struct microvm *vm, struct problems *problems)
{
	check_file(vm, "kernel", vm->kernel, problems);
	check_file(vm, "initrdPath", vm->initrd_path, problems);
	check_file(vm, "runner", vm->runner, problems);
	check_file(vm, "firmware", vm->firmware, problems);
	if (root_is_set(vm) && access(vm->root.source, F_OK) < 0)
		warning_in(problems, &vm->root.section, "source", "%s: %s", vm->root.source, strerror(errno));
	for (each(struct volume, v, vm->volumes)) {
		OWNED(drop_str) char *path = volume_path(vm, v);

		if (root_owns(vm, &v->section))
			continue;
		if (volume_is_device(v))
			check_device(v, path, problems);
		else if (access(path, F_OK) < 0 && errno == ENOENT &&
			 (!v->auto_create || v->size == 0))
			warning_in(problems, &v->section, v->auto_create ? "size" : "image",
				   v->auto_create ? "%s does not exist, and without a size it cannot be made" :
						    "%s does not exist, and autoCreate is off", path);
	}
}
