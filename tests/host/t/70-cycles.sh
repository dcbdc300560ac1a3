# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# A MicroVM with everything attached, started and stopped again and again, at random moments and by the death of
# whatever runs for it. Then the host is as it was before.

folder=/var/lib/microvms/cycle
# All of them on one flavour: they are the dearest test of all. The other's systemd is tried on the same ways.
case $prefix in
*bookworm) cycles=200 ;;
*) cycles=50 ;;
esac

# Most cycles end before a guest could answer its power button, so nobody waits for it.
write_conf() { # [WORD...]
	conf cycle "$@" <<-EOF
		shutdownTimeout = ${patience-100ms}
		vcpu = 2
		[interface cycle-0]
		type = tap
		bridge = br0
		[interface cycle-1]
		type = tap
		[interface cycle-2]
		type = macvtap
		macvtap.link = low0
		macvtap.mode = bridge
		[share one]
		source = one
		proto = virtiofs
		[share two]
		source = /srv/two
		proto = virtiofs
		[volume own]
		size = 32
		[volume let-in]
		image = /srv/let-in.img
		size = 32
	EOF
	reload
}

test_a_host_with_an_interface() {
	have_udev
	ip link add br0 type bridge
	ip link set br0 up
	ip link add low0 type veth peer name high0
	ip link set low0 up
	ip link set high0 up
	truncate -s 32M /srv/let-in.img
	mkfs.ext4 -q /srv/let-in.img
}

# What the guest wrote and synced before it was cut off is there.
test_what_was_written_outlives_a_cut() {
	local i

	for i in 1 2; do
		write_conf "test.write=own:$i" "test.write=let-in:$i" "test.share=one:$i" "test.share=two:$i"
		journal_mark
		start cycle
		guest_says cycle ready 180
		stop cycle || true
		systemctl reset-failed
	done
	assert_eq "the first share" "$(paste -s -d ' ' "$folder/one/log")" "1 2"
	assert_eq "the second share" "$(paste -s -d ' ' /srv/two/log)" "1 2"
}

test_cycles_leave_nothing() {
	write_conf
	python3 "$here/cycles.py" cycle "${CYCLES:-$cycles}" ${SEED:+"$SEED"} | tee /run/cycles.log
}

test_no_volume_is_damaged() {
	local image

	patience=60s write_conf test.read=own test.read=let-in
	start cycle
	guest_says cycle ready 180
	stop cycle
	journal_has microvm@cycle.service "guest: bye"
	assert_eq "what the guest has read" "$(journal microvm@cycle | grep -c '^guest: read [12]')" 4
	for image in "$folder/own.img" /srv/let-in.img; do
		e2fsck -fn "$image"
	done
}

test_nothing_is_left() {
	wait_until 10 nobody_let_in /srv/let-in.img
	ip link del low0
	ip link del br0
	end_udev
	no_leftovers cycle
	rm -r /srv/two /srv/let-in.img
}
