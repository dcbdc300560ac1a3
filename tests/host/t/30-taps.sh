# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Tap interfaces: made for the MicroVM's user, found again by their mark, deleted with it and nothing else.

taps=/usr/lib/microvm/microvm-tap-interfaces

bridge() { # NAME: as somebody else would make it
	ip link add "$1" type bridge
	ip link set "$1" up
}

index() { cat "/sys/class/net/$1/ifindex"; }
details() { ip -d link show "$1"; }
group() { cat "/sys/class/net/$1/netdev_group"; }
marked() { ip -o link | grep -F "alias microvm $1" || true; }
none_marked() { [ -z "$(marked "$1")" ]; }
gone() { wait_until 10 none_marked "$1"; } # NAME: the companion's stop follows that of the MicroVM

# Ends it without asking the guest, which may not be up yet.
cut() { # NAME
	systemctl kill --signal=KILL --kill-who=main "microvm@$1" || true
	wait_until 10 is_over "$1"
}

test_two_guests_on_a_bridge_reach_each_other() {
	bridge br0
	cat /sys/class/net/br0/address >/run/br0.address
	conf one test.ip=10.5.0.1/24 test.serve=80 <<-EOF
		vcpu=2
		[interface one-0]
		type=tap
		bridge=br0
		mtu=1400
	EOF
	conf two test.ip=10.5.0.2/24 test.fetch=http://10.5.0.1/ <<-EOF
		[interface two-0]
		type=bridge
		bridge=br0
	EOF
	reload
	start one
	guest_says one "serving port 80"
	start two
	guest_says two "fetched guest: hello"
	journal_has microvm@one "guest: net eth0 .* mtu=1400"
}

test_a_tap_is_what_the_hypervisor_needs() {
	assert_match "$(details one-0)" "type tap pi off vnet_hdr on multi_queue numqueues 2 .*persist on user vm-one"
	assert_match "$(details two-0)" "type tap pi off vnet_hdr on persist on user vm-two"
	assert_match "$(details one-0)" "mtu 1400 .* master br0 "
	assert_match "$(details one-0)" "alias microvm one"
	[ "$(group one-0)" != "$(group two-0)" ] || fail "two MicroVMs share a group"
	[ $(($(group one-0) >> 24)) = $((0x4d)) ] || fail "the group is $(group one-0)"
}

test_who_makes_a_tap_is_not_root() {
	assert_eq User "$(property microvm-tap-interfaces@one User)" vm-one
	assert_eq capabilities "$(property microvm-tap-interfaces@one CapabilityBoundingSet)" cap_net_admin
	assert_eq capabilities "$(property microvm-tap-interfaces@one AmbientCapabilities)" cap_net_admin
	assert_match "$(grep ^CapEff: "/proc/$(main_pid one)/status")" "0000000000000000"
}

test_a_bridge_keeps_its_address() {
	ip link add lower type veth peer name upper
	ip link set lower address 02:00:00:00:00:07 master br0
	assert_eq address "$(cat /sys/class/net/br0/address)" 02:00:00:00:00:07
	ip link del lower
	assert_match "$(cat /sys/class/net/one-0/address)" "^fe:"
}

test_a_tap_outlives_its_configuration_and_not_the_microvm() {
	rm /etc/microvm/one.conf
	reload
	sleep 0.5
	[ -n "$(marked one)" ] || fail "the reload took the tap"
	stop one
	gone one
	[ -n "$(marked two)" ] || fail "another's tap is gone"
}

test_a_hypervisor_that_is_killed_leaves_no_tap() {
	sed -i '/^mem=/a restart=no' /etc/microvm/two.conf
	reload
	cut two
	gone two
}

test_a_changed_tap_is_taken_back() {
	conf changed <<-EOF
		restart=no
		[interface old-0]
		type=tap
	EOF
	reload
	start changed
	sed -i 's/old-0/new-0/' /etc/microvm/changed.conf
	reload
	sleep 0.3
	[ -e /sys/class/net/old-0 ] || fail "the reload took the tap"
	cut changed
	gone changed
}

test_an_interface_of_somebody_else_is_refused_and_survives() {
	ip tuntap add foreign mode tap
	ip link set foreign alias 'mine, not yours'
	conf refused <<-EOF
		[interface refused-0]
		type=tap
		[interface foreign]
		type=tap
	EOF
	reload
	assert_fails start refused
	journal_has microvm-tap-interfaces@refused "\[interface foreign\] .* is not ours: its alias is .mine, not yours.; choose another ID"
	gone refused
	[ -e /sys/class/net/foreign ] || fail "it is gone"
	systemctl reset-failed
}

test_a_group_of_somebody_else_survives() {
	"$taps" twin interface.twin-0.type=tap
	local number

	number=$(group twin-0)
	"$taps" --stop twin
	ip link set foreign group "$number"
	"$taps" twin interface.twin-0.type=tap interface.twin-1.type=tap
	[ "$(group twin-0)" != "$number" ] || fail "the group is somebody else's"
	assert_eq group "$(group twin-0)" "$(group twin-1)"
	"$taps" --stop twin
	[ -z "$(marked twin)" ] || fail "left: $(marked twin)"
	[ -e /sys/class/net/foreign ] || fail "it is gone"
	# It takes the number of ours: then they are deleted one by one.
	"$taps" twin interface.twin-0.type=tap interface.twin-1.type=tap
	ip link set foreign group "$(group twin-0)"
	"$taps" --stop twin
	[ -z "$(marked twin)" ] || fail "left: $(marked twin)"
	[ -e /sys/class/net/foreign ] || fail "it is gone"
	ip link del foreign
}

test_a_tap_that_fits_is_kept() {
	local first

	"$taps" kept interface.kept-0.type=tap interface.kept-1.type=tap
	first=$(index kept-0)
	"$taps" kept interface.kept-0.type=tap
	assert_eq index "$(index kept-0)" "$first"
	[ ! -e /sys/class/net/kept-1 ] || fail "one that nobody wants any more is still there"
	"$taps" kept microvm.vcpu=2 interface.kept-0.type=tap
	[ "$(index kept-0)" != "$first" ] || fail "one that does not fit is kept"
	assert_match "$(details kept-0)" multi_queue
	"$taps" --stop kept
	"$taps" --stop kept
	[ -z "$(marked kept)" ] || fail "left: $(marked kept)"
}

# Prints how many system calls of these kinds a command makes, with all processes that it starts.
counted() { # CALLS COMMAND...
	strace -f -qq -e "trace=$1" -o /run/trace "${@:2}"
	grep -cE '^[0-9]+ +[a-z]' /run/trace || true
}

test_one_process_with_one_socket_makes_and_deletes_them_all() {
	local taps_of_many=(interface.many-{0..7}.type=tap) one

	assert_eq sockets "$(counted socket "$taps" many "${taps_of_many[@]}")" 1
	assert_eq "further processes and programs" "$(counted clone,clone3,fork,vfork "$taps" many "${taps_of_many[@]}")" 0
	assert_eq taps "$(marked many | wc -l)" 8
	"$taps" alone interface.alone-0.type=tap
	one=$(counted sendto,sendmsg "$taps" --stop alone)
	assert_eq "requests to delete eight" "$(counted sendto,sendmsg "$taps" --stop many)" "$one"
	[ -z "$(marked many)$(marked alone)" ] || fail "left: $(marked many) $(marked alone)"
}

test_a_bridge_that_does_not_come_is_named() {
	conf waiting <<-EOF
		startupTimeout=1
		[interface waiting-0]
		type=tap
		bridge=nowhere
	EOF
	reload
	assert_match "$(property microvm-tap-interfaces@waiting After)" sys-subsystem-net-devices-nowhere.device
	assert_fails start waiting
	journal_has microvm-tap-interfaces@waiting "bridge: nowhere does not exist within startupTimeout \(1 s\)"
	gone waiting
}

test_what_is_no_bridge_is_named() {
	sed -i 's/nowhere/lo/' /etc/microvm/waiting.conf
	reload
	assert_fails start waiting
	journal_has microvm-tap-interfaces@waiting "bridge: lo is not a bridge"
	systemctl reset-failed
}

test_a_bridge_may_come_late() {
	conf late <<-EOF
		restart=no
		[interface late-0]
		type=bridge
		bridge=br-late
	EOF
	reload
	systemctl start --no-block microvm@late
	wait_until 10 journal_has microvm-tap-interfaces@late "waiting for br-late to exist"
	mkdir -p /run/systemd/network
	printf '[NetDev]\nName=br-late\nKind=bridge\n' >/run/systemd/network/br-late.netdev
	rm -f /etc/systemd/system/systemd-networkd.service
	reload
	systemctl start systemd-networkd
	wait_until 20 is_state late active
	assert_match "$(details late-0)" "master br-late"
	cut late
	gone late
	systemctl stop systemd-networkd.socket systemd-networkd
	rm -r /run/systemd/network
	ip link del br-late
}

test_who_is_killed_while_it_waits_leaves_nothing() {
	conf killed <<-EOF
		[interface killed-0]
		type=tap
		[interface killed-1]
		type=tap
		bridge=nowhere
	EOF
	reload
	systemctl start --no-block microvm@killed
	wait_until 10 journal_has microvm-tap-interfaces@killed "waiting for nowhere"
	[ -e /sys/class/net/killed-0 ] || fail "the first is not there"
	systemctl kill --signal=KILL --kill-who=main microvm-tap-interfaces@killed
	gone killed
	wait_until 10 is_over killed
	systemctl reset-failed
}

test_a_script_sets_up_what_it_likes() {
	cat >/usr/local/bin/tap-script <<-EOF
		#!/bin/sh
		echo "script for \$1 by \$(id -un)" >&2
		ip link set "\$1" master br0 alias "\$1"
		[ "\$1" != scripted-bad ]
	EOF
	chmod 755 /usr/local/bin/tap-script
	conf scripted <<-EOF
		restart=no
		[interface scripted-0]
		type=tap
		script=/usr/local/bin/tap-script
	EOF
	sed -i 's/ alias.*//' /usr/local/bin/tap-script
	reload
	start scripted
	journal_has microvm-tap-interfaces@scripted "script for scripted-0 by vm-scripted"
	assert_match "$(details scripted-0)" "master br0"
	cut scripted
	gone scripted
	sed -i 's/scripted-0/scripted-bad/' /etc/microvm/scripted.conf
	reload
	assert_fails start scripted
	journal_has microvm-tap-interfaces@scripted "script: /usr/local/bin/tap-script ended with status 1"
	gone scripted
	systemctl reset-failed
}

test_a_vhost_that_is_asked_for_and_not_there_is_named() {
	[ ! -e /dev/vhost-net ] || skip "the host has vhost-net"
	conf vhost <<-EOF
		restart=no
		[interface vhost-0]
		type=tap
		tap.vhost=yes
	EOF
	reload
	assert_fails start vhost
	journal_has microvm@vhost "\[interface vhost-0\] tap.vhost: the host cannot do it: /dev/vhost-net"
	gone vhost
	systemctl reset-failed
}

test_nothing_is_left() {
	ip link del br0
	no_leftovers one
	no_interfaces
}
