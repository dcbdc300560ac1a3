# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Macvtaps: made on an interface of the host, opened by node, ended with either.

macvtaps=/usr/lib/microvm/microvm-macvtap-interfaces

marked() { ip -o link | grep -F "alias microvm $1" || true; }
none_marked() { [ -z "$(marked "$1")" ]; }
link_unit_is() { [ "$(property sys-subsystem-net-devices-low0.device ActiveState)" = "$1" ]; }

test_a_host_with_an_interface() {
	have_udev
	ip netns add far
	ip link add low0 type veth peer name far0
	ip link set far0 netns far
	ip -n far link set far0 up
	ip -n far addr add 10.6.0.1/24 dev far0
	wait_until 10 link_unit_is active
}

test_waits_for_the_interface_below_to_be_up() {
	conf mac test.ip=10.6.0.2/24 test.serve=80 <<-EOF
		restart=no
		vcpu=2
		[interface mac-0]
		type=macvtap
		macvtap.link=low0
		macvtap.mode=bridge
		mac=02:00:00:00:06:02
		mtu=1400
	EOF
	reload
	systemctl start --no-block microvm@mac
	wait_until 10 journal_has microvm-macvtap-interfaces@mac "waiting for low0 to exist and be up"
	ip link set low0 up
	wait_until 20 is_state mac active
	guest_says mac "serving port 80"
	journal_has microvm@mac "guest: net eth0 mac=02:00:00:00:06:02 mtu=1400"
	assert_eq answer "$(ip netns exec far timeout 10 python3 -c \
		'import urllib.request; print(urllib.request.urlopen("http://10.6.0.2/").read().decode().strip())')" "guest: hello"
}

test_it_is_what_was_asked_for() {
	local details

	details=$(ip -d link show mac-0)
	assert_match "$details" "<.*ALLMULTI.*UP.*> mtu 1400 "
	assert_match "$details" "link/ether 02:00:00:00:06:02"
	assert_match "$details" "macvtap mode bridge"
	assert_match "$details" "alias microvm mac"
	assert_eq "IPv6 off" "$(cat /proc/sys/net/ipv6/conf/mac-0/disable_ipv6)" 1
}

test_the_hypervisor_has_a_queue_for_each_cpu_and_no_network() {
	local pid

	pid=$(main_pid mac)
	assert_match "$(tr '\0' ' ' <"/proc/$pid/cmdline")" "tap,id=net-mac-0,vhost=(on|off),fds=[0-9]+:[0-9]+ "
	assert_eq "open nodes" "$(readlink "/proc/$pid/fd"/* | grep -c '^/dev/tap')" 2
	[ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/1/ns/net)" ] || fail "it sees the host's network"
	assert_eq owner "$(stat -c %U "$(readlink -f /run/microvm-macvtap/mac/mac-0)")" vm-mac
}

test_goes_with_the_interface_below() {
	ip link del low0
	wait_until 10 is_over mac
	[ -z "$(marked mac)" ] || fail "left: $(marked mac)"
	wait_until 10 link_unit_is inactive
	wait_until 10 test ! -e /run/microvm-macvtap/mac
	systemctl reset-failed
}

test_all_of_a_microvm_are_deleted_and_no_other() {
	ip link add low0 type veth peer name high0
	ip link set low0 up
	"$macvtaps" many interface.many-{0,1,2}.{type=macvtap,macvtap.link=low0,macvtap.mode=bridge}
	"$macvtaps" more interface.more-0.{type=macvtap,macvtap.link=low0,macvtap.mode=bridge}
	assert_eq macvtaps "$(marked many | wc -l)" 3
	"$macvtaps" many interface.many-2.{type=macvtap,macvtap.link=low0,macvtap.mode=private}
	assert_eq macvtaps "$(marked many | wc -l)" 1
	assert_match "$(ip -d link show many-2)" "mode private"
	"$macvtaps" --stop many
	[ -z "$(marked many)" ] || fail "left: $(marked many)"
	assert_eq macvtaps "$(marked more | wc -l)" 1
	"$macvtaps" --stop more
}

test_passthru_takes_over_the_address_and_gives_it_back() {
	local address

	address=$(cat /sys/class/net/low0/address)
	"$macvtaps" through interface.through-0.{type=macvtap,macvtap.link=low0,macvtap.mode=passthru,mac=02:00:00:00:06:03}
	assert_eq address "$(cat /sys/class/net/through-0/address)" 02:00:00:00:06:03
	assert_fails "$macvtaps" second interface.second-0.{type=macvtap,macvtap.link=low0,macvtap.mode=bridge} 2>/run/said
	assert_match "$(cat /run/said)" "macvtap.mode: low0 cannot carry a macvtap of this mode"
	"$macvtaps" --stop through
	assert_eq address "$(cat /sys/class/net/low0/address)" "$address"
}

test_a_killed_hypervisor_leaves_nothing() {
	rm -rf /etc/microvm
	conf killed <<-EOF
		restart=no
		[interface killed-0]
		type=macvtap
		macvtap.link=low0
		macvtap.mode=vepa
	EOF
	wait_until 10 link_unit_is active
	reload
	start killed
	rm /etc/microvm/killed.conf
	reload
	sleep 0.3
	[ -n "$(marked killed)" ] || fail "the reload took it"
	systemctl kill --signal=KILL --kill-who=main microvm@killed
	wait_until 10 none_marked killed
	systemctl reset-failed
}

test_nothing_is_left() {
	ip link del low0
	ip netns del far
	end_udev
	no_leftovers mac
}
