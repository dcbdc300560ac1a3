# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A start that waits for the guest's systemd: over the Unix sockets of cloud-hypervisor and firecracker, of which there are
# stand-ins, in the real unit. What the kernel's vsock does is seen in the suite vm.

test_a_node_for_kvm() { make_kvm_node; }

# stands_in NAME HYPERVISOR WORDS <<EOF: a MicroVM whose guest does what the WORDS say
stands_in() {
	make_vsock_stand_in "$2"
	raw_conf "$1" <<-EOF
		[microvm]
		hypervisor = $2
		kernel = /srv/vmlinux
		kernelParams = $3
		readiness = guest
		[$2]
		package = /srv/bin/$2
		[vsock]
		cid = auto
		$([ -t 0 ] || cat)
	EOF
	reload
}

milliseconds() { # COMMAND...: how long it takes
	local began=${EPOCHREALTIME/./}

	"$@" >&2
	echo $(((${EPOCHREALTIME/./} - began) / 1000))
}

guest_is_up() { journal_has "microvm@$1.service" 'the guest is up after [0-9]+ ms'; }

starts_when_up() { # HYPERVISOR
	local took

	stands_in web "$1" 'test.tell=unit:basic.target test.wait=2 test.tell=ready test.wait=0.5 test.tell=STOPPING=1' </dev/null
	took=$(milliseconds start web)
	[ "$took" -ge 2000 ] || fail "was active after $took ms"
	assert_eq state "$(state web)" active
	guest_is_up web
	# Who tells more later is neither heard nor left waiting.
	guest_says web "nobody hears 'STOPPING=1'" 10
}

test_firecracker_is_up() { starts_when_up firecracker; }

test_its_number_is_noted() {
	local cid

	cid=$(sed -n 's/^vsock.cid=//p' /run/microvm/web/state)
	journal microvm@web.service >/dev/null
	journalctl -b -q -o cat -u microvm@web | grep -F "guest: has the number $cid" >/dev/null
	[ "$cid" -ge 2147483648 ] || fail "auto is $cid"
	[ -S /run/microvm/web/vsock.sock ] || fail 'no vsock.sock'
	[ ! -e /run/microvm/web/notify ] || fail 'the port is still noted'
	assert_eq listeners "$(find /run/microvm/web/ -name 'vsock.sock_*')" ''
}

test_nobody_else_can_tell() {
	assert_eq mode "$(stat -L -c %a /run/microvm/web)" 700
	assert_fails runuser -u nobody -- test -e /run/microvm/web/vsock.sock
	stop web
	no_leftovers web
}

test_cloud_hypervisor_is_up() {
	starts_when_up cloud-hypervisor
	stop web
	no_leftovers web
}

test_a_crash_is_followed_by_another_wait() {
	stands_in web cloud-hypervisor test.tell=ready </dev/null
	start web
	systemctl kill --kill-whom=main -s KILL microvm@web
	wait_until 20 restarted_once web
	assert_eq 'times that it was up' "$(journal microvm@web.service | grep -c 'the guest is up')" 2
	systemctl stop microvm@web
}

restarted_once() { [ "$(property "microvm@$1" NRestarts)" = 1 ] && [ "$(state "$1")" = active ]; }

test_a_guest_that_is_stuck() {
	stands_in web firecracker 'test.tell=unit:basic.target' <<-'EOF'
		[microvm]
		startupTimeout = 3
		restart = no
	EOF
	assert_fails start web
	assert_eq result "$(property microvm@web Result)" timeout
	journal_has microvm@web.service 'the guest has not told in 3 s that it is up .*the last that it told: basic.target'
	systemctl reset-failed
}

test_a_guest_that_never_tells() {
	stands_in web cloud-hypervisor quiet <<-'EOF'
		[microvm]
		startupTimeout = 3
		restart = no
	EOF
	assert_fails start web
	journal_has microvm@web.service 'the guest has not told in 3 s .*its systemd has to be 254 or later'
	systemctl reset-failed
	no_leftovers web
}

test_a_guest_that_ends_before() {
	stands_in web firecracker 'test.tell=unit:basic.target test.end=7' <<-'EOF'
		[microvm]
		restart = no
	EOF
	assert_fails start web
	journal_has microvm@web.service 'firecracker ended before its guest was up'
	systemctl reset-failed
}

test_a_stop_while_it_is_waited_for() {
	stands_in web cloud-hypervisor quiet </dev/null
	systemctl start --no-block microvm@web
	wait_until 20 journal_has microvm@web.service 'guest: has the number'
	assert_eq state "$(state web)" activating
	stop web
	assert_eq state "$(state web)" inactive
	journal_has microvm@web.service 'the guest has not told in [0-9] s|ended before its guest was up'
	no_leftovers web
}

test_several_at_once() {
	local names=(a b c d e) name

	for name in "${names[@]}"; do
		stands_in "$name" firecracker 'test.tell=unit:basic.target test.wait=0.5 test.tell=ready' </dev/null
	done
	start "${names[@]}"
	for name in "${names[@]}"; do
		assert_eq "state of $name" "$(state "$name")" active
		guest_is_up "$name"
	done
	assert_eq 'different numbers' "$(grep -h '^vsock.cid=' /run/microvm/?/state | sort -u | wc -l)" 5
	stop "${names[@]}"
}

test_a_host_that_cannot() {
	[ ! -e /dev/vhost-vsock ] || skip 'the host can'
	conf web <<-'EOF'
		readiness = guest
		restart = no
		[vsock]
		cid = 42
	EOF
	reload
	assert_fails start web
	journal_has microvm@web.service "the host's kernel cannot speak with guests \(module vhost_vsock\): /dev/vhost-vsock: "
	systemctl reset-failed
	no_leftovers web
}

test_no_node_is_left() { remove_kvm_node; }
