/* SPDX-License-Identifier: MIT */
#include "qemu.h"

#include "limits.h"
#include "parts.h"

#include "../common/log.h"
#include "../common/owned.h"

#include <inttypes.h>
#include <stdlib.h>

static bool is_window(const struct microvm *vm)
{
	return vm->graphics.enable && !vm->graphics.socket && vm->graphics.backend == DISPLAY_GTK;
}

bool qemu_has_gl(const struct qemu_command *c)
{
	return c->vm->graphics.enable && !c->vm->graphics.socket && c->launch->render_node;
}

void qemu_add_display(const struct qemu_command *c)
{
	words_add(c->argv, "-display");
	if (is_window(c->vm))
		words_addf(c->argv, "gtk,gl=%s", on_off(qemu_has_gl(c)));
	else if (qemu_has_gl(c))
		words_addf(c->argv, "egl-headless,rendernode=%s", c->launch->render_node);
	else
		words_add(c->argv, "none");
}

static void add_gpu(const struct qemu_command *c)
{
	const struct graphics *g = &c->vm->graphics;
	struct text t = { 0 };

	/* Only what is for PCs shows something before the guest has a driver. */
	text_addf(&t, "virtio-%s%s,id=graphics",
		  is_window(c->vm) && c->machine.architecture == ARCHITECTURE_X86_64 ? "vga" : "gpu",
		  qemu_has_gl(c) ? "-gl" : "");
	if (g->vulkan)
		text_addf(&t, ",venus=on,blob=on,hostmem=%" PRIu64 "K", g->hostmem >> 10);
	words_add(c->argv, "-device");
	words_take(c->argv, t.at);
}

static void add_served_gpu(const struct qemu_command *c)
{
	OWNED(drop_str) char *socket = qemu_text(c->vm->graphics.socket);

	words_add(c->argv, "-chardev");
	words_addf(c->argv, "socket,id=graphics-socket,path=%s", socket);
	words_add(c->argv, "-device");
	words_add(c->argv, "vhost-user-gpu-pci,id=graphics,chardev=graphics-socket");
}

void qemu_add_graphics(const struct qemu_command *c)
{
	static const char *const input[] = { "qemu-xhci,id=input", "usb-kbd,bus=input.0",
					     "usb-tablet,bus=input.0" };

	if (!c->vm->graphics.enable)
		return;
	if (c->vm->graphics.socket)
		add_served_gpu(c);
	else
		add_gpu(c);
	for (size_t i = 0; i < sizeof(input) / sizeof(*input); i++) {
		words_add(c->argv, "-device");
		words_add(c->argv, input[i]);
	}
}

void qemu_graphics_settings(const struct microvm *vm, struct words *ret)
{
	render_settings(vm, ret);
	if (!is_window(vm))
		return;
	/* Where the sockets of Wayland and X are. */
	words_add(ret, "ProtectHome=no");
	words_add(ret, "BindReadOnlyPaths=-/tmp/.X11-unix");
}

int qemu_prepare_graphics(const struct microvm *vm, const struct launch *launch)
{
	if (is_window(vm) && !getenv("WAYLAND_DISPLAY") && !getenv("DISPLAY")) {
		log_line(LEVEL_ERROR,
			 "[graphics] backend: nobody told where to open a window; set WAYLAND_DISPLAY and "
			 "XDG_RUNTIME_DIR, or DISPLAY, with: systemctl edit microvm@%s",
			 vm->name);
		return EXIT_REFUSED;
	}
	return refuse_no_gpu(vm, launch);
}
