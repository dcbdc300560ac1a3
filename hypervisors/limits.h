/* SPDX-License-Identifier: MIT */
/* limits.h: refusals that several hypervisors have in common, and of interfaces what only the start
 * knows. */
#pragma once

#include "hypervisor.h"

/* For those that cut a value at certain bytes and know no way to write one of them: what would be cut
 * of paths, and of serial numbers. IDs have none. */
void check_separators(const struct microvm *vm, const char *in_paths, const char *in_serials,
		      struct problems *problems);

/* For those that count memory in MiB. */
void check_whole_mib(const struct microvm *vm, struct problems *problems);

void check_vcpus(const struct microvm *vm, unsigned most, struct problems *problems);

/* For those whose 9p server has no settings: it acts as the MicroVM's user, and a folder is kept
 * from the guest's writes by how the unit sees it. */
void check_plain_9p(const struct microvm *vm, struct problems *problems);

/* For those that cannot do without their control socket. */
void check_socket_kept(const struct microvm *vm, struct problems *problems);

/* For those that boot a kernel themselves, or firmware that knows nothing of it. */
void check_kernel_or_firmware(const struct microvm *vm, struct problems *problems);

void check_volume_count(const struct microvm *vm, size_t most, struct problems *problems);

void check_tags(const struct microvm *vm, enum share_proto proto, size_t longest,
		struct problems *problems);

/* For check_release: what needs NEEDED. */
void check_too_old(const struct microvm *vm, const struct section *s, const char *key, unsigned release,
		   unsigned needed, struct problems *problems);

/* For those that take any file for a kernel and jump into it: refuses at the start what is no
 * bzImage. Logs, and returns an enum exit_code. */
int refuse_no_bzimage(const struct microvm *vm);

/* For those that look at an image to find out its type, at each start, and cannot be told: refuses a raw one that
 * has become something else, such as a qcow2 image with a backing file. As above. */
int refuse_other_images(const struct microvm *vm);

/* For those that make the guest's RAM a file on the host's hugetlbfs. */
extern const char huge_pages_folder[];
void check_huge_mem(const struct microvm *vm, struct problems *problems);
int refuse_no_huge_pages_folder(const struct microvm *vm); /* at the start; as above */

/* For Vulkan; logs at the start, and returns an enum exit_code. */
int refuse_no_gpu(const struct microvm *vm, const struct launch *launch);

/* The descriptors of an interface that is given as such: a macvtap; NULL of others. */
const struct queues *interface_queues(const struct launch *launch, const struct interface *i);

/* Where the node of a macvtap is found, in the MicroVM's unit; free() by the caller. */
char *macvtap_path(const struct microvm *vm, const struct interface *i);

/* That of a macvtap with one queue. */
int macvtap_fd(const struct launch *launch, const struct interface *i);

/* Whether packets go through the host's kernel, where that is the default. */
bool wants_vhost(const struct launch *launch, const struct interface *i);
