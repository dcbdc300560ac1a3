# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# A screen for the guest, on a host that has neither a GPU nor anybody who looks.

test_guest_has_a_gpu_and_input() {
	up screen test.pci=0:0 <<-EOF
		[graphics]
		enable = yes
	EOF
	journal_has microvm@screen.service 'guest: lspci .* 1AF4:1050'
	journal_has microvm@screen.service 'guest: lspci .* 1B36:000D'
	journal_has microvm@screen.service 'guest: cmdline console=tty0 console=ttyS0 '
	assert_eq "groups of the unit" "$(property microvm@screen SupplementaryGroups)" "kvm render"
	stop screen
	no_leftovers screen
}

test_vulkan_without_a_gpu_is_refused() {
	echo 'vulkan = yes' >>/etc/microvm/screen.conf
	reload
	assert_fails start screen
	journal_has microvm@screen.service 'vulkan: the host has no GPU in /dev/dri that the MicroVM may use'
}

test_gpu_of_the_host_draws() {
	local words

	mkdir -p /dev/dri
	cp -a /dev/null /dev/dri/renderD128
	words=$(/usr/lib/microvm/microvm-run --print screen graphics.enable=yes graphics.vulkan=yes)
	assert_match "$words" '^egl-headless,rendernode=/dev/dri/renderD128$'
	assert_match "$words" '^virtio-gpu-gl,id=graphics,venus=on,blob=on,hostmem=262144K$'
	words=$(/usr/lib/microvm/microvm-run --print screen graphics.enable=yes graphics.backend=gtk)
	assert_match "$words" '^gtk,gl=on$'
	assert_match "$words" '^virtio-vga-gl,id=graphics$'
	rm -r /dev/dri
}

test_window_needs_a_place() {
	useradd --system alice
	raw_conf window <<-EOF
		[microvm]
		kernel = $kernel
		user = alice
		[graphics]
		enable = yes
		backend = gtk
	EOF
	reload
	assert_fails start window
	journal_has microvm@window.service 'nobody told where to open a window; set WAYLAND_DISPLAY and XDG_RUNTIME_DIR'
}

# Who serves the GPU shares the guest's memory with qemu.
test_gpu_of_another_program() {
	local words

	words=$(/usr/lib/microvm/microvm-run --print screen graphics.enable=yes graphics.socket=/run/gpu,1.sock)
	assert_match "$words" '^socket,id=graphics-socket,path=/run/gpu,,1.sock$'
	assert_match "$words" '^vhost-user-gpu-pci,id=graphics,chardev=graphics-socket$'
	assert_match "$words" 'size=536870912,share=on$'
}
