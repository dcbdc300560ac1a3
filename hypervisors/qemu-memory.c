/* SPDX-License-Identifier: MIT */
#include "qemu.h"

#include "parts.h"

#include <inttypes.h>

/* Memory that is more than plain has an object of its own. */
bool qemu_has_memory_backend(const struct microvm *vm)
{
	return shares_memory(vm) || vm->hugepage_mem;
}

static void add_memory_backend(const struct qemu_command *c, const char *id, uint64_t size)
{
	const struct microvm *vm = c->vm;

	words_add(c->argv, "-object");
	words_addf(c->argv, "memory-backend-memfd,id=%s,size=%" PRIu64 ",share=%s%s", id, size,
		   on_off(shares_memory(vm)), vm->hugepage_mem ? ",hugetlb=on" : "");
}

void qemu_add_guest_size(const struct qemu_command *c)
{
	const struct microvm *vm = c->vm;
	struct text t = { 0 };

	words_add(c->argv, "-smp");
	words_addf(c->argv, "%u", vm->vcpu);
	if (vm->mem % (1 << 20) == 0)
		text_addf(&t, "%" PRIu64 "M", vm->mem >> 20);
	else
		text_addf(&t, "%" PRIu64 "K", vm->mem >> 10);
	if (vm->hotplug_mem > 0)
		text_addf(&t, ",maxmem=%" PRIu64 "K", (vm->mem + vm->hotplug_mem) >> 10);
	words_add(c->argv, "-m");
	words_take(c->argv, t.at);
	if (qemu_has_memory_backend(vm))
		add_memory_backend(c, "ram", vm->mem);
}

void qemu_add_balloon(const struct qemu_command *c)
{
	if (c->vm->balloon)
		qemu_add_virtio(c, "balloon", text_format(",deflate-on-oom=%s,free-page-reporting=on",
						     on_off(c->vm->deflate_on_oom)));
}

void qemu_add_hotplug(const struct qemu_command *c)
{
	const struct microvm *vm = c->vm;
	bool told = section_sets(&vm->section, "hotpluggedMem");

	if (vm->hotplug_mem == 0)
		return;
	add_memory_backend(c, "hotplug", vm->hotplug_mem);
	words_add(c->argv, "-device");
	words_addf(c->argv, "virtio-mem-pci,memdev=hotplug,requested-size=%" PRIu64,
		   told ? vm->hotplugged_mem : vm->hotplug_mem);
}
