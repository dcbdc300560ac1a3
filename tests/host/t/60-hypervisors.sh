# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Hypervisors that need KVM, as stand-ins, inside of the real unit: its sandbox, its exit codes, its journal. A node that
# can be opened is all that they want of KVM.

test_a_node_for_kvm() { make_kvm_node; }

# stands_in NAME HYPERVISOR <<EOF: a MicroVM whose hypervisor is the stand-in
stands_in() {
	[ -c /dev/kvm ] || skip 'no /dev/kvm'
	head -c 514 /dev/zero >/srv/bzImage
	printf 'HdrS%0100d' 0 >>/srv/bzImage
	raw_conf "$1" <<-EOF
		[microvm]
		hypervisor = $2
		kernel = /srv/bzImage
		[$2]
		package = /usr/lib/microvm-test/host/stand-in.py
		$([ -t 0 ] || cat)
	EOF
	reload
	start "$1"
}

guest_reboots() { systemctl kill --kill-whom=main -s USR1 "microvm@$1"; }
restarted() { [ "$(property "microvm@$1" NRestarts)" = "$2" ] && [ "$(state "$1")" = active ]; }
nobody_was_killed() { assert_eq "who was killed" "$(journal "microvm@$1.service" | grep 'Killing process' || true)" ''; }
gone() { [ "$(state "$1")" != active ] && [ "$(state "$1")" != deactivating ]; }

test_crosvm_runs() {
	stands_in cros crosvm <<-'EOF'
		[volume data]
		size = 1
		fsType = none
	EOF
	assert_eq state "$(state cros)" active
	journal_has microvm@cros.service 'guest: a terminal, called microvm@cros'
	journal_has microvm@cros.service 'guest: data.img is locked'
}

test_crosvm_reboot_is_a_new_start() {
	guest_reboots cros
	wait_until 20 restarted cros 1
	stop cros
	assert_eq state "$(state cros)" inactive
	journal_has microvm@cros.service 'asked the guest to shut down'
	journal_has microvm@cros.service 'crosvm has ended'
}

test_crosvm_reboot_is_no_failure() {
	stands_in cros crosvm <<-'EOF'
		[microvm]
		restart = no
	EOF
	guest_reboots cros
	wait_until 20 gone cros
	assert_eq state "$(state cros)" inactive
}

test_kvmtool_runs() {
	stands_in lkvm kvmtool </dev/null
	assert_eq state "$(state lkvm)" active
	[ -S /run/microvm/lkvm/control.sock ] || fail 'no control socket'
	journal_has microvm@lkvm.service 'guest: a terminal, called microvm@lkvm'
}

test_kvmtool_reboot_is_a_new_start() {
	guest_reboots lkvm
	wait_until 20 restarted lkvm 1
}

test_its_terminal_is_a_console() {
	"$test_files/host/terminal.py" --expect attached --type a --expect 'guest: key None' --type $'\x1d' --expect left \
		-- microvm console lkvm
	journal_has microvm@lkvm.service 'guest: key None'
}

test_kvmtool_stops_by_keys() {
	stop lkvm
	assert_eq state "$(state lkvm)" inactive
	for key in s u b; do
		journal_has microvm@lkvm.service "guest: key $key"
	done
	journal_has microvm@lkvm.service 'guest: last words'
	journal_has microvm@lkvm.service 'SysRq'
	nobody_was_killed lkvm
}

test_kvmtool_reboot_with_a_volume_is_a_new_start() {
	stands_in lkvm kvmtool <<-'EOF'
		[volume data]
		size = 1
		fsType = none
	EOF
	guest_reboots lkvm
	wait_until 20 restarted lkvm 1
	stop lkvm
}

test_stratovirt_runs_with_a_terminal_of_its_own() {
	stands_in strato stratovirt </dev/null
	assert_eq state "$(state strato)" active
	journal_has microvm@strato.service 'guest: a terminal, called microvm@strato'
}

test_stratovirt_cannot_be_asked() {
	stop strato
	journal_has microvm@strato.service 'stratovirt has no way to ask its guest'
	nobody_was_killed strato
	systemctl reset-failed
}

test_alioth_runs_with_a_terminal_of_its_own() {
	stands_in ali alioth <<-'EOF'
		[volume data]
		size = 1
		fsType = none
	EOF
	assert_eq state "$(state ali)" active
	journal_has microvm@ali.service 'guest: a terminal, called microvm@ali'
	journal_has microvm@ali.service 'guest: data.img is free'
}

test_alioth_cannot_be_asked() {
	stop ali
	journal_has microvm@ali.service 'alioth has no way to ask its guest'
	systemctl reset-failed
}

test_no_bzimage_is_told() {
	stands_in strato stratovirt </dev/null
	stop strato
	systemctl reset-failed
	printf '\177ELF%0600d' 0 >/srv/bzImage
	assert_fails start strato
	journal_has microvm@strato.service 'is an ELF file, and stratovirt boots bzImages alone'
	systemctl reset-failed
}

test_no_node_is_left() { remove_kvm_node; }
