/* SPDX-License-Identifier: MIT */
/* model.h: a MicroVM as its configuration describes it. The fields are named after their keys; what
 * each means stands in keys.def. A string that was not set is NULL, a list that was not set is
 * empty; section_sets() tells unset from zero for the rest. */
#pragma once

#include "../common/words.h"

#include <stdbool.h>
#include <stdint.h>

/* Where something was written; file is NULL for what nobody wrote. The file's name is owned by the
 * program (struct sources, or static), not by the place. */
struct place {
	const char *file;
	unsigned line;
};

/* The first member of each section's struct. */
struct section {
	const struct section_kind *kind;
	char *id;           /* NULL for a section that exists once */
	struct place place; /* of its first [line] */
	struct place *keys; /* where each of the kind's keys was set last */
};

/* Sections of one kind in the order of the files, which is the order of the devices. */
struct sections {
	struct section **at;
	size_t count;
};

/* for (each(struct volume, v, vm->volumes)) */
#define each(TYPE, V, LIST) \
	TYPE **V##_at = (TYPE **)(LIST).at, *V = NULL; \
	V##_at && V##_at < (TYPE **)(LIST).at + (LIST).count && ((V) = *V##_at, true); V##_at++

enum hypervisor_id {
	HYPERVISOR_QEMU,
	HYPERVISOR_CLOUD_HYPERVISOR,
	HYPERVISOR_FIRECRACKER,
	HYPERVISOR_CROSVM,
	HYPERVISOR_KVMTOOL,
	HYPERVISOR_STRATOVIRT,
	HYPERVISOR_ALIOTH,
	HYPERVISORS,
};

enum readiness { READINESS_VMM, READINESS_GUEST, READINESS_NONE, READINESSES };
enum restart { RESTART_ALWAYS, RESTART_ON_FAILURE, RESTART_NO, RESTARTS };
enum net { NET_USER, NET_TAP, NET_MACVTAP, NET_BRIDGE, NETS };
enum macvtap_mode { MACVTAP_PRIVATE, MACVTAP_VEPA, MACVTAP_BRIDGE, MACVTAP_PASSTHRU,
		    MACVTAP_SOURCE, MACVTAP_MODES };
enum fs_type { FS_EXT2, FS_EXT3, FS_EXT4, FS_XFS, FS_BTRFS, FS_VFAT, FS_NONE, FS_TYPES };
enum image_type { IMAGE_RAW, IMAGE_QCOW2, IMAGE_VHD, IMAGE_VHDX, IMAGE_TYPES };
enum share_proto { SHARE_9P, SHARE_VIRTIOFS, SHARE_PROTOS };
enum security_model { SECURITY_PASSTHROUGH, SECURITY_NONE, SECURITY_MAPPED, SECURITY_MAPPED_FILE,
		      SECURITY_MODELS };
enum share_cache { CACHE_AUTO, CACHE_ALWAYS, CACHE_NEVER, CACHE_METADATA, SHARE_CACHES };
enum bus { BUS_PCI, BUS_USB, BUSES };
enum forward_from { FORWARD_HOST, FORWARD_GUEST, FORWARD_FROMS };
enum ip_proto { PROTO_TCP, PROTO_UDP, IP_PROTOS };
enum root_type { ROOT_EROFS, ROOT_SQUASHFS, ROOT_VIRTIOFS, ROOT_9P, ROOT_TYPES };
enum display { DISPLAY_GTK, DISPLAY_HEADLESS, DISPLAYS };
enum io_engine { ENGINE_SYNC, ENGINE_ASYNC, IO_ENGINES };
enum file_handles { HANDLES_NEVER, HANDLES_PREFER, HANDLES_MANDATORY, FILE_HANDLES };

struct interface {
	struct section section; /* the ID is the interface's name on the host */
	enum net type;
	char *mac;
	char *bridge;
	char *macvtap_link;
	enum macvtap_mode macvtap_mode;
	bool tap_vhost;
	char *script;
	unsigned mtu;
};

struct volume {
	struct section section;
	char *image;
	uint64_t size;
	bool auto_create;
	enum fs_type fs_type;
	char *label;
	struct words mkfs_extra_args;
	char *mount_point;
	bool read_only;
	bool direct;
	char *serial;
	enum image_type image_type;
};

struct share {
	struct section section; /* the ID is the tag */
	char *source;
	char *mount_point;
	enum share_proto proto;
	char *socket;
	enum security_model security_model;
	bool read_only;
	enum share_cache cache;
	bool posix_acl;
	struct words extra_args;
};

struct device {
	struct section section;
	enum bus bus;
	char *path;
	char *qemu_id;
	char *qemu_bus;
	char *qemu_device_extra_args;
	char *expect;
	bool required;
	char *sriov_parent;
	unsigned sriov_vf;
	char *sriov_mac;
	bool give_back;
};

struct forward_port {
	struct section section;
	enum forward_from from;
	enum ip_proto proto;
	char *host_address;
	unsigned host_port;
	char *guest_address;
	unsigned guest_port;
};

struct vsock {
	struct section section;
	char *cid;
	bool ssh_enable;
	/* Of the host, where the guest's systemd tells that it is up; 0 before the start knows it. */
	unsigned notify_port;
};

struct credential {
	struct section section; /* the ID is the credential's name */
	char *path;
	char *encrypted_path;
	char *value;
};

struct root {
	struct section section;
	char *source;
	enum root_type type;
	struct words erofs_flags;
	struct words squashfs_flags;
	char *overlay;
};

struct graphics {
	struct section section;
	bool enable;
	enum display backend;
	char *socket;
	bool vulkan;
	uint64_t hostmem;
};

struct qemu {
	struct section section;
	char *package;
	char *machine;
	struct words machine_opts;
	struct words extra_args;
	bool serial_console;
	unsigned pcie_root_ports;
};

struct cloud_hypervisor {
	struct section section;
	char *package;
	struct words extra_args;
	struct words platform_oem_strings;
};

struct firecracker {
	struct section section;
	char *package;
	char *cpu;
	enum io_engine drive_io_engine;
	struct words extra_args;
	char *extra_config;
};

struct crosvm {
	struct section section;
	char *package;
	struct words extra_args;
	char *pivot_root;
};

/* kvmtool, stratovirt, alioth */
struct plain_hypervisor {
	struct section section;
	char *package;
	struct words extra_args;
};

struct virtiofsd {
	struct section section;
	char *package;
	enum file_handles inode_file_handles;
	char *thread_pool_size;
	char *group;
	struct words extra_args;
};

struct microvm {
	struct section section; /* [microvm] */
	char *name;
	char *runner_given; /* runner as it was written, which then is where that led; NULL: not looked for */
	struct words package_files; /* names for the places of what a package says */

	enum hypervisor_id hypervisor;
	unsigned vcpu;
	uint64_t mem; /* bytes, as all sizes */
	bool hugepage_mem;
	uint64_t hotplug_mem;
	uint64_t hotplugged_mem;
	bool balloon;
	uint64_t initial_balloon_mem;
	bool deflate_on_oom;
	char *cpu;
	char *kernel;
	char *initrd_path;
	struct words kernel_params;
	char *firmware;
	struct words pre_start;
	char *extra_args_script;
	char *socket;
	char *user;
	char *machine_id;
	bool register_with_machined;
	bool pretty_procnames;
	bool autostart;
	bool restart_if_changed;
	enum readiness readiness;
	uint64_t startup_timeout; /* microseconds */
	uint64_t shutdown_timeout;
	enum restart restart;
	char *runner;
	char *state_dir;
	struct words after;
	struct words requires;

	struct sections interfaces;
	struct sections volumes;
	struct sections shares;
	struct sections devices;
	struct sections forward_ports;
	struct sections credentials;
	struct vsock vsock;
	struct root root;
	struct graphics graphics;
	struct qemu qemu;
	struct cloud_hypervisor cloud_hypervisor;
	struct firecracker firecracker;
	struct crosvm crosvm;
	struct plain_hypervisor kvmtool;
	struct plain_hypervisor stratovirt;
	struct plain_hypervisor alioth;
	struct virtiofsd virtiofsd;
};

/* A MicroVM with all defaults. */
void microvm_init(struct microvm *vm, const char *name);
void drop_microvm(struct microvm *vm);

/* Whether a key was set by anybody; KEY must be a key of the section. */
bool section_sets(const struct section *s, const char *key);

/* The values that stand in for what was not set; free() by the caller. */
char *microvm_state_dir(const struct microvm *vm);
char *microvm_socket(const struct microvm *vm); /* NULL: switched off, or a runner package's own affair */
/* Of a tag such as LABEL=data: where udev links the device that has it. */
char *volume_path(const struct microvm *vm, const struct volume *v);
/* Whether the image is meant to be a block device of the host's. */
bool volume_is_device(const struct volume *v);
bool microvm_has_device(const struct microvm *vm, enum bus bus);
const char *volume_serial(const struct volume *v);
char *share_source(const struct microvm *vm, const struct share *s);
char *share_socket(const struct microvm *vm, const struct share *s); /* of virtiofsd */
/* Whether virtiofsd's socket is elsewhere than usual. A runner package's name for it becomes a link. */
bool share_has_own_socket(const struct microvm *vm, const struct share *s);
/* What the image holds inside; only a raw one can be looked into. */
enum fs_type volume_fs_type(const struct volume *v);

/* The name of the MicroVM's own user: vm-NAME, shortened with a hash where that is longer than a user
 * name may be (31 bytes, systemd.io/USER_NAMES). free() by the caller. */
/* FNV-1a: keeps names apart that are cut or made into a number, nothing more is asked of it. */
uint32_t name_hash(const char *name);

char *microvm_user_of(const char *name);
