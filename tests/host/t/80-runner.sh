# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Runner packages: written by hand, in the layout that Nix builds, and knowing nothing of us.

# package FOLDER [WORD...] <<EOF: a package whose program starts the real qemu with the test's guest, and with the
# options of standard input. Its control socket is qemu.sock in the folder that it is run in.
package() {
	mkdir -p "$1/bin" "$1/share/microvm"
	cat >"$1/bin/microvm-run" <<-RUN
		#!/bin/bash
		set -eu
		echo "the package $1 runs in \$(pwd)"
		exec $(options_of_macvtap "$1") qemu-system-x86_64 -M q35,accel=tcg,memory-backend=ram -m 256 -nodefaults \
			-object memory-backend-memfd,id=ram,size=256M,share=on -no-reboot -display none \
			-kernel $kernel -initrd $initrd -append "console=ttyS0 $kernel_params ${*:2}" \
			-chardev stdio,id=console,signal=off -serial chardev:console \
			-qmp unix:qemu.sock,server=on,wait=off $(tr '\n' ' ')
	RUN
	chmod +x "$1/bin/microvm-run"
	ln -sfn "/nix/store/system-of-$(basename "$1")" "$1/share/microvm/system"
}

# As a package opens a macvtap: by its node, as its own descriptor.
options_of_macvtap() {
	[ ! -e "$1/share/microvm/macvtap-interfaces" ] || echo '3<>/dev/tap$(cat /sys/class/net/pkg-mac/ifindex)'
}

with_shutdown() { # FOLDER
	cat >"$1/bin/microvm-shutdown" <<-'EOF'
		#!/usr/bin/python3
		import socket
		s = socket.socket(socket.AF_UNIX)
		s.connect("qemu.sock")
		s.sendall(b'{"execute":"qmp_capabilities"}{"execute":"system_powerdown"}')
		s.recv(1)
		s.settimeout(60)
		try:
		    while s.recv(4096):
		        pass
		except OSError:
		    pass
	EOF
	chmod +x "$1/bin/microvm-shutdown"
}

with_balloon() { # FOLDER
	cat >"$1/bin/microvm-balloon" <<-'EOF'
		#!/usr/bin/python3
		import json, os, pwd, socket, sys, time
		s = socket.socket(socket.AF_UNIX)
		s.connect("qemu.sock")
		talk = s.makefile("rw")
		def ask(**question):
		    talk.write(json.dumps(question))
		    talk.flush()
		    while True:
		        reply = json.loads(talk.readline())
		        if "return" in reply:
		            return reply["return"]
		talk.readline()
		ask(execute="qmp_capabilities")
		left = (256 - int(sys.argv[1])) << 20
		ask(execute="balloon", arguments={"value": left})
		end = time.monotonic() + 60
		while ask(execute="query-balloon")["actual"] != left:
		    if time.monotonic() > end:
		        sys.exit("the guest gives nothing")
		    time.sleep(0.1)
		print(f"the guest has given {sys.argv[1]} MiB to {pwd.getpwuid(os.getuid()).pw_name} in {os.getcwd()}")
	EOF
	chmod +x "$1/bin/microvm-balloon"
}

# A MicroVM without a file.
folder() { # NAME PACKAGE
	mkdir -p "/var/lib/microvms/$1"
	ln -sfn "$2" "/var/lib/microvms/$1/current"
}

link_of() { readlink "/var/lib/microvms/$1" || echo none; } # NAME/LINK

test_a_folder_made_by_hand_starts_without_a_reload() {
	package /srv/plain </dev/null
	folder plain /srv/plain
	systemctl start microvm@plain
	guest_says plain ready
	journal_has microvm@plain 'the package /srv/plain runs in /var/lib/microvms/plain'
	assert_eq booted "$(link_of plain/booted)" /srv/plain
	assert_match "$(systemctl cat microvm@plain)" 'microvm.runner=/srv/plain'
}

test_a_package_runs_as_the_user_of_its_microvm() {
	local pid

	pid=$(main_pid plain)
	assert_match "$(tr '\0' ' ' <"/proc/$pid/cmdline")" '^qemu-system-x86_64 '
	assert_match "$(grep ^Uid: "/proc/$pid/status")" '^Uid:	6[1-5][0-9]{3}	6'
	assert_match "$(grep ^CapBnd: "/proc/$pid/status")" '0000000000000000'
	assert_eq 'the folder, which holds links of root' "$(stat -c %U:%a /var/lib/microvms/plain)" root:1770
	assert_eq 'the socket' "$(stat -c %u /var/lib/microvms/plain/qemu.sock)" "$(stat -c %u /run/microvm/plain)"
}

test_without_a_shutdown_program_its_end_is_a_signal() {
	stop plain
	journal_has microvm@plain 'the package has no bin/microvm-shutdown'
	assert_eq result "$(property microvm@plain Result)" success
	assert_eq booted "$(link_of plain/booted)" none
	assert_eq current "$(link_of plain/current)" /srv/plain
	no_leftovers plain
}

test_what_the_host_prepares_for_a_package() {
	mkdir -p /srv/full/share/microvm/virtiofs/{data,store} /nix/store
	echo pkg-tap >/srv/full/share/microvm/tap-interfaces
	printf 'vnet_hdr\nmulti_queue\n' >/srv/full/share/microvm/tap-flags
	echo data >/srv/full/share/microvm/virtiofs/data/source
	echo full-virtiofs-data.sock >/srv/full/share/microvm/virtiofs/data/socket
	echo /nix/store >/srv/full/share/microvm/virtiofs/store/source
	echo full-virtiofs-store.sock >/srv/full/share/microvm/virtiofs/store/socket
	package /srv/full test.ip=10.8.0.2/24 test.serve=80 test.share=data:hello test.share=store:no <<-EOF
		-netdev tap,id=n0,ifname=pkg-tap,script=no,downscript=no,queues=2 -device virtio-net-pci,netdev=n0,mq=on
		-chardev socket,id=f0,path=full-virtiofs-data.sock -device vhost-user-fs-pci,chardev=f0,tag=data
		-chardev socket,id=f1,path=full-virtiofs-store.sock -device vhost-user-fs-pci,chardev=f1,tag=store
		-device virtio-balloon-pci
	EOF
	with_shutdown /srv/full
	with_balloon /srv/full
	folder full /srv/full
	systemctl start microvm@full
	guest_says full 'wrote hello'
	guest_says full 'cannot write to share store'
	assert_match "$(ip -d link show pkg-tap)" 'multi_queue .*user vm-full'
	ip addr add 10.8.0.1/24 dev pkg-tap
	guest_says full 'serving port 80'
	assert_match "$(python3 -c 'import urllib.request as u; print(u.urlopen("http://10.8.0.2/", timeout=10).read())')" hello
	assert_eq 'what the guest wrote' "$(cat /var/lib/microvms/full/data/log)" hello
}

test_a_package_is_shown_with_what_it_runs() {
	local status cat

	assert_match "$(microvm list | grep '^full ')" 'runner package .* system-of-full$'
	assert_eq json "$(microvm list --json | jq -r '.[] | select(.name == "full") | .package | .path, .system' | paste -sd' ')" \
		'/srv/full /nix/store/system-of-full'
	status=$(microvm status full)
	assert_match "$status" 'Package: /srv/full, /nix/store/system-of-full$'
	assert_match "$status" 'Memory: \? for the guest, [0-9.]+M used on the host'
	assert_match "$status" 'Interfaces: pkg-tap tap, guest .*, up'
	assert_fails grep -E 'Hypervisor|Next' <<<"$status"
	cat=$(microvm cat full)
	assert_match "$cat" '^runner = /var/lib/microvms/full/current$'
	assert_match "$cat" '^# /srv/full runs /nix/store/system-of-full$'
	assert_match "$cat" '^# \[interface pkg-tap\]$'
	assert_match "$cat" '^# type = tap \(/srv/full/share/microvm/tap-interfaces:1\)$'
	assert_match "$cat" '^# source = /nix/store \(/srv/full/share/microvm/virtiofs/store/source:1\)$'
	mkdir -p /srv/cat
	echo "$cat" >/srv/cat/full.conf
	MICROVM_CONF_PATH=/srv/cat microvm check
}

test_a_package_sets_its_balloon() {
	assert_match "$(microvm balloon full 64M)" '^the guest has given 64 MiB to vm-full in /var/lib/microvms/full$'
	assert_match "$(microvm balloon full 0)" '^the guest has given 0 MiB'
	assert_match "$(microvm balloon full 2>&1 || echo "exit $?")" 'does not tell the size of its balloon'
	assert_match "$(microvm balloon full much 2>&1 || echo "exit $?")" 'exit 2'
	mv /srv/full/bin/microvm-balloon /srv/full/balloon
	assert_match "$(microvm balloon full 64 2>&1 || echo "exit $?")" 'the package of full has no bin/microvm-balloon'
	printf '#!/bin/sh\nexit 3\n' >/srv/full/bin/microvm-balloon
	chmod +x /srv/full/bin/microvm-balloon
	assert_match "$(microvm balloon full 64 2>&1 || echo "exit $?")" 'full/bin/microvm-balloon has failed'
	mv /srv/full/balloon /srv/full/bin/microvm-balloon
}

test_a_package_is_asked_by_its_own_program() {
	stop full
	journal_has microvm@full 'asking the guest to shut down by /srv/full/bin/microvm-shutdown'
	journal_has microvm@full 'guest: bye'
	assert_eq result "$(property microvm@full Result)" success
	no_leftovers full
}

test_another_package_counts_from_the_next_start_on() {
	sed -i s/pkg-tap/new-tap/ /srv/full/bin/microvm-run
	echo new-tap >/srv/full/share/microvm/tap-interfaces
	systemctl start microvm@full
	guest_says full ready
	ip link show new-tap
	assert_fails ip link show pkg-tap
	stop full
	no_leftovers full
}

test_what_a_package_cannot_ask_for() {
	printf '0000:ff:1f.7\nnonsense\n' >/srv/plain/share/microvm/pci-devices
	assert_fails systemctl start microvm@plain
	journal_has microvm@plain "/srv/plain/share/microvm/pci-devices:2: \[device pci-1\] path: 'nonsense'"
	rm /srv/plain/share/microvm/pci-devices
	mkdir -p /srv/alice
	cp -r /srv/plain /srv/alice/plain
	chown -R games: /srv/alice
	folder alices /srv/alice/plain
	assert_fails systemctl start microvm@alices
	journal_has microvm@alices "belongs to another user than root"
	assert_fails microvm update plain /srv/alice/plain
	rm -r /var/lib/microvms/alices
	systemctl reset-failed
}

test_a_macvtap_of_a_package() {
	have_udev
	ip link add low0 type veth peer name low1
	ip link set low0 up
	mkdir -p /srv/mac/share/microvm
	echo 'pkg-mac 02:00:00:00:08:01 low0 bridge' >/srv/mac/share/microvm/macvtap-interfaces
	package /srv/mac <<<'-netdev tap,id=n0,fd=3 -device virtio-net-pci,netdev=n0,mac=02:00:00:00:08:01'
	folder mac /srv/mac
	systemctl start microvm@mac
	assert_match "$(ip -d link show pkg-mac)" 'link/ether 02:00:00:00:08:01.*'
	assert_match "$(ip -d link show pkg-mac)" 'macvtap mode bridge'
	guest_says mac ready
	stop mac
	ip link del low0
	no_leftovers mac
}

# A file beside a package; the folders of MicroVMs on a file system that the generator does not see at boot.
test_before_the_reboot() {
	mkdir -p /srv/vms /srv/file/share/microvm
	echo file-tap >/srv/file/share/microvm/tap-interfaces
	package /srv/file <<<'-netdev tap,id=n0,ifname=file-tap,script=no,downscript=no -device virtio-net-pci,netdev=n0'
	with_shutdown /srv/file
	raw_conf file <<-EOF
		[microvm]
		runner=/srv/vms/package
		autostart=yes
		preStart=echo before the package as \$(id -un)
	EOF
	mv /srv/file /srv/vms/package
	rm -rf /var/lib/microvms/plain
	folder full /srv/full
	reload
	systemctl enable microvm@full
	cp -a /var/lib/microvms/. /srv/vms/
	rm -rf /var/lib/microvms/*
	echo '/srv/vms /var/lib/microvms none bind 0 0' >>/etc/fstab
	mv /srv/vms/package /srv/vms/hidden
	sed -i s,/srv/vms/package,/var/lib/microvms/hidden, /etc/microvm/file.conf
	then_reboot
}

test_both_are_back_after_it() {
	guest_says file ready
	guest_says full ready
	journalctl -b -o cat -u microvm@file | grep -F 'before the package as vm-file'
	ip link show file-tap
	ip link show new-tap
	stop file
	journal_has microvm@file 'guest: bye'
	rm /etc/microvm/file.conf
}

test_update_and_rollback() {
	cp -r /srv/full /srv/next
	sed -i s,/srv/full,/srv/next, /srv/next/bin/microvm-run
	ln -sfn /nix/store/system-of-next /srv/next/share/microvm/system
	microvm update full /srv/next
	assert_eq current "$(link_of full/current)" /srv/next
	assert_eq booted "$(link_of full/booted)" /srv/full
	assert_eq old "$(link_of full/old)" /srv/full
	assert_match "$(microvm list | grep '^full ')" 'stale, system-of-full$'
	assert_match "$(microvm status full)" 'Next: /srv/next, /nix/store/system-of-next$'
	assert_eq next "$(microvm status --json full | jq -r .nextPackage.system)" /nix/store/system-of-next
	journal_mark
	microvm update -R full /srv/next
	guest_says full ready
	journal_has microvm@full 'the package /srv/next runs'
	assert_eq booted "$(link_of full/booted)" /srv/next
	microvm rollback full
	assert_eq current "$(link_of full/current)" /srv/full
	assert_eq old "$(link_of full/old)" /srv/next
	systemctl disable microvm@full
	stop full
	conf written </dev/null
	assert_fails microvm update written /srv/next
	umount /var/lib/microvms
	sed -i '\,^/srv/vms,d' /etc/fstab
}
