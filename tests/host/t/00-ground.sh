# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# The ground itself: a whole systemd, sandboxes that work, and a guest that boots in one, without the project's help.

test_systemd_runs() {
	assert_eq 'the system' "$(systemctl is-system-running)" running
	assert_eq 'the cgroup' "$(stat -f -c %T /sys/fs/cgroup)" cgroup2fs
}

sandboxed() {
	systemd-run --quiet --collect "${unit_options[@]}" -p DynamicUser=yes -p User=vm-ground -p ProtectSystem=strict \
		-p PrivateTmp=yes -p ProtectHome=yes -p ProtectProc=invisible -p ProtectKernelTunables=yes \
		-p ProtectKernelModules=yes -p ProtectControlGroups=yes -p PrivateDevices=yes -p DevicePolicy=closed \
		-p NoNewPrivileges=yes -p CapabilityBoundingSet= -p RestrictNamespaces=yes -p LockPersonality=yes \
		-p 'SystemCallFilter=@system-service seccomp' -p RuntimeDirectory=ground -- "$@"
}

test_sandbox_holds() {
	unit_options=(--wait --pipe)
	assert_fails sandboxed test -w /usr
	assert_fails sandboxed test -e /dev/net/tun
	assert_fails sandboxed unshare --user true
	assert_match "$(sandboxed id -un)" '^vm-ground$'
	assert_match "$(sandboxed cat /proc/self/status)" '^CapBnd:\s*0+$'
}

test_dynamic_user_gets_devices() {
	systemd-run --quiet --wait --pipe -p DynamicUser=yes -p DevicePolicy=closed -p 'DeviceAllow=/dev/net/tun rw' \
		-p AmbientCapabilities=CAP_NET_ADMIN sh -c 'ip tuntap add ground0 mode tap && ip link set ground0 up'
	ip link del ground0
	no_interfaces
}

qmp() { # COMMAND
	python3 - /run/ground/qmp "$1" <<-'EOF'
		import json, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.connect(sys.argv[1])
		lines = s.makefile("rw")
		for command in "qmp_capabilities", sys.argv[2]:
		    lines.readline()
		    lines.write(json.dumps({"execute": command}) + "\n")
		    lines.flush()
		print(lines.readline())
	EOF
}

test_guest_boots_and_answers_its_power_button() {
	unit_options=(--unit=ground)
	sandboxed qemu-system-x86_64 -M q35,accel=tcg -cpu qemu64 -m 256 -nodefaults -no-user-config -no-reboot \
		-display none -chardev stdio,id=console,signal=off -serial chardev:console \
		-qmp unix:/run/ground/qmp,server=on,wait=off \
		-kernel "$kernel" -initrd "$initrd" -append "console=ttyS0 $kernel_params"
	wait_until 60 journal_has ground.service 'guest: up'
	wait_until 60 journal_has ground.service 'guest: ready'
	qmp system_powerdown
	wait_until 20 journal_has ground.service 'guest: power button, powering off'
	wait_until 20 eval '! systemctl is-active --quiet ground'
	assert_eq 'the last line of the guest' "$(journal ground.service | grep '^guest:' | tail -n 1)" 'guest: bye'
}

test_state_before_a_reboot() {
	echo kept >/var/lib/ground
	echo lost >/run/ground-was-here
	then_reboot
}

test_root_outlives_a_reboot() {
	assert_eq '/var/lib/ground' "$(cat /var/lib/ground)" kept
	assert_fails test -e /run/ground-was-here
	rm /var/lib/ground
}
