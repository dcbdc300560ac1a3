# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The MicroVM in machinectl: there, asked, gone.

systemd=$(systemctl --version | awk 'NR == 1 { print $2 }')

machine() { machinectl show "$1" -p "$2" --value; } # NAME PROPERTY
listed() { machinectl list --no-legend | grep "^$1 "; } # NAME
unlisted() { ! listed "$1"; }

test_it_is_listed_with_what_it_is() {
	up web <<<$'machineId=f81d4fae-7dec-11d0-a765-00a0c91e6bf6\n[interface tap0]\ntype=tap'
	wait_until 10 listed web
	assert_match "$(listed web)" '^web +vm +microvm'
	assert_eq unit "$(machine web Unit)" microvm@web.service
	assert_eq id "$(machine web Id)" f81d4fae7dec11d0a76500a0c91e6bf6
	assert_match "$(machinectl status web --no-pager)" 'Iface: tap0'
	assert_eq leader "$(cat "/proc/$(machine web Leader)/comm")" microvm-leader
	assert_eq units "$(systemctl list-units --all --plain --no-legend '*microvm*machined*' | wc -l)" 0
}

test_reboot_is_a_restart_in_order() {
	local pid

	pid=$(main_pid web)
	journal_mark
	machinectl reboot web
	guest_says web ready
	journal_has microvm@web.service 'guest: bye'
	assert_fails [ "$(main_pid web)" = "$pid" ]
	wait_until 10 listed web
}

# PID 1 tells of each process that it has to kill.
nobody_was_killed() { assert_fails journal_has "microvm@$1.service" 'Killing process|left-over process'; } # NAME

test_poweroff_asks_the_guest() {
	journal_mark
	machinectl poweroff web
	wait_until 30 is_state web inactive
	journal_has microvm@web.service 'guest: bye'
	nobody_was_killed web
	assert_eq result "$(property microvm@web Result)" success
	wait_until 10 unlisted web
	no_leftovers web
}

test_terminate_asks_the_guest() {
	start web
	guest_says web ready
	wait_until 10 listed web
	journal_mark
	machinectl terminate web
	wait_until 30 is_state web inactive
	journal_has microvm@web.service 'guest: bye'
	wait_until 10 unlisted web
	no_leftovers web
}

test_a_guest_that_ends_by_itself_leaves_nobody_to_kill() {
	conf off test.do=poweroff </dev/null
	reload
	journal_mark
	systemctl start microvm@off
	wait_until 60 is_state off inactive
	wait_until 10 unlisted off
	nobody_was_killed off
}

gone() { [ ! -e "/proc/$1" ]; } # PID

# One that is as slow as on a busy host.
test_a_leader_that_is_slow_is_waited_for() {
	local leader pid

	start web
	guest_says web ready
	wait_until 10 listed web
	leader=$(machine web Leader)
	pid=$(main_pid web)
	kill -STOP "$leader"
	journal_mark
	systemctl stop --no-block microvm@web
	wait_until 60 gone "$pid"
	wait_until 30 journal_has microvm@web.service 'has ended'
	kill -CONT "$leader"
	wait_until 30 is_state web inactive
	wait_until 10 unlisted web
	nobody_was_killed web
}

# None is no other one: between the two there is none.
leader_is_another() { # NAME PID
	local now

	now=$(machine "$1" Leader) && [ -n "$now" ] && [ "$now" != "$2" ]
}

test_a_crash_and_its_restart_are_one_machine() {
	local leader

	start web
	wait_until 10 listed web
	leader=$(machine web Leader)
	kill -KILL "$(main_pid web)"
	wait_until 30 leader_is_another web "$leader"
	assert_eq leader "$(cat "/proc/$(machine web Leader)/comm")" microvm-leader
	stop web
	wait_until 10 unlisted web
}

# registers NAME [WORD...]: the helper, in a unit that is no MicroVM, with what a start would have noted. A container has no
# vsock of the kernel's, by which a real one could have got its number.
registers() {
	mkdir -p "/run/microvm/$1"
	printf '%s\n' microvm.hypervisor=qemu "${@:2}" >"/run/microvm/$1/state"
	cat >"/run/microvm/$1/start" <<-EOF
		MAINPID=\$\$ /usr/lib/microvm/microvm-machined $1 microvm.machineId=5b0d8a3c-7dec-11d0-a765-00a0c91e6bf6
		exec sleep 1000
	EOF
	systemd-run --quiet --unit="$1" sh "/run/microvm/$1/start"
	wait_until 10 listed "$1"
}

goes() { # NAME
	systemctl stop "$1"
	wait_until 10 unlisted "$1"
	rm -r "/run/microvm/$1"
}

test_a_vsock_is_registered_where_machined_has_words_for_it() {
	registers numbered vsock.cid=4242
	assert_eq unit "$(machine numbered Unit)" numbered.service
	assert_eq id "$(machine numbered Id)" 5b0d8a3c7dec11d0a76500a0c91e6bf6
	assert_eq leader "$(cat "/proc/$(machine numbered Leader)/comm")" microvm-leader
	if [ "$systemd" -ge 256 ]; then
		assert_eq cid "$(machine numbered VSockCID)" 4242
		assert_eq ssh "$(machine numbered SSHAddress)" ''
	fi
	goes numbered
}

test_ssh_finds_a_machine_by_its_name() {
	[ "$systemd" -ge 256 ] || skip 'machined has no words for it'
	registers reached vsock.cid=4243 vsock.ssh.enable=yes
	assert_eq ssh "$(machine reached SSHAddress)" vsock/4243
	assert_eq cid "$(varlinkctl call --json=short /run/systemd/machine/io.systemd.Machine io.systemd.Machine.List \
		'{"name":"reached"}' | jq .vSockCid)" 4243
	# What ssh machine/reached runs. Nobody is there, but it has found where.
	assert_match "$(/usr/lib/systemd/systemd-ssh-proxy machine/reached 22 2>&1 || true)" 'vsock:4243:22'
	goes reached
}

test_the_file_can_say_no() {
	conf unseen <<<'registerWithMachined=no'
	reload
	start unseen
	assert_fails grep -q microvm-machined /run/systemd/generator/microvm@unseen.service.d/50-microvm.conf
	sleep 0.5
	assert_fails listed unseen
	microvm power unseen kill
}

test_a_name_that_is_taken_is_told_and_costs_nothing() {
	systemd-run --quiet --unit=stranger sleep 1000
	busctl call org.freedesktop.machine1 /org/freedesktop/machine1 org.freedesktop.machine1.Manager RegisterMachine \
		sayssus web 0 test container "$(property stranger MainPID)" ''
	start web
	wait_until 10 journal_has microvm@web.service "cannot register with systemd-machined: .*web.* already"
	assert_eq state "$(state web)" active
	microvm power web kill
	systemctl stop stranger
}
