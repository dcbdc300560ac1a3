# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The console on a real terminal: attached by several, left, ended, run in the foreground.

# at_terminal KEYS... -- COMMAND...: the command on a pseudo terminal; see terminal.py
at_terminal() { "$test_files/host/terminal.py" "$@"; }

console_unit_is() { [ "$(property "microvm-console@$1" ActiveState)" = "$2" ]; } # NAME STATE

test_what_is_typed_reaches_the_guest_and_what_it_says_comes_back() {
	up web test.shell </dev/null
	at_terminal --expect 'attached; Ctrl-] leaves' --type $'echo 6 times 7 is $((6 * 7))\n' \
		--expect 'is 42' --type $'\x1d' --expect 'left' -- microvm console web
	journal_has microvm@web.service '6 times 7 is 42'
	wait_until 10 console_unit_is web inactive
}

test_the_terminal_is_as_before() {
	at_terminal --expect attached --signal TERM --expect left --modes-kept -- microvm console web
	at_terminal --expect attached --type $'\x1d' --modes-kept -- microvm console web
}

test_several_see_the_same_and_who_does_not_read_stops_nobody() {
	local deaf second

	systemctl start microvm-console@web
	python3 -c 'import socket, time
s = socket.socket(socket.AF_UNIX)
s.connect("/run/microvm-console/web/socket")
time.sleep(100)' &
	deaf=$!
	at_terminal --expect attached --expect 'line 6000 of 6000' --type $'\x1d' -- microvm console web >/tmp/second &
	second=$!
	wait_until 10 grep -q attached /tmp/second
	at_terminal --expect attached --type $'i=0; while [ $i -lt 6000 ]; do i=$((i + 1)); echo "line $i of 6""000, and some more to make it long"; done\n' \
		--expect 'line 6000 of 6000' --type $'\x1d' -- microvm console web >/tmp/first
	wait "$second"
	kill "$deaf"
	wait_until 20 journal_has microvm@web.service 'line 6000 of 6000'
	assert_eq "lines in the journal" "$(journal microvm@web.service | grep -c '^line [0-9]* of 6000')" 6000
}

test_without_a_terminal_it_is_a_pipe() {
	local piped

	microvm console web <<<'echo by a pipe: $((20 + 1))' >/tmp/piped &
	piped=$!
	wait_until 15 grep -q 'pipe: 21' /tmp/piped
	kill "$piped"
	wait "$piped"
}

test_who_is_attached_learns_of_the_end() {
	at_terminal --expect attached --run 'systemctl stop microvm@web' --expect 'the hypervisor has ended' -- microvm console web
	no_leftovers web
	assert_fails microvm console web
}

test_run_shows_the_first_byte_and_ends_with_the_guest() {
	conf fore test.do=poweroff </dev/null
	sed -i 's/ quiet / /; s/^kernelParams=/&earlyprintk=serial /' /etc/microvm/fore.conf
	reload
	at_terminal --expect 'starting; Ctrl-] stops' --expect 'Linux version' --expect 'guest: bye' --modes-kept \
		-- microvm run fore
	journal_has microvm@fore.service 'Linux version'
	assert_eq state "$(state fore)" inactive
	no_leftovers fore
}

test_run_stops_with_the_key_and_attaches_nobody_to_what_runs() {
	conf fore test.shell <<<$'[volume data]\nsize=16'
	reload
	at_terminal --expect 'guest: ready' --run 'microvm run fore || echo "runs: $?" >/tmp/again' \
		--type $'echo $((5 * 5))\n' --expect 25 --type $'\x1d' --expect 'stopping' --expect 'guest: bye' \
		--modes-kept -- microvm run fore
	assert_eq "a second run" "$(cat /tmp/again)" 'runs: 1'
	assert_eq state "$(state fore)" inactive
	no_leftovers fore
}

test_run_ends_at_once_with_the_key_pressed_twice() {
	conf fore test.do=hang </dev/null
	reload
	assert_fails at_terminal --expect 'test.do=hang' --type $'\x1d' --expect stopping --type $'\x1d' --modes-kept -- microvm run fore
	systemctl reset-failed
	no_leftovers fore
}

test_run_tells_of_a_start_that_fails() {
	printf 'restart=no\n[qemu]\nextraArgs=-nonsense\n' | conf fore
	reload
	assert_fails at_terminal --expect 'microvm@fore.service' --modes-kept -- microvm run fore
	systemctl reset-failed
	wait_until 10 console_unit_is fore inactive
}

test_run_goes_on_after_a_crash() {
	conf fore </dev/null
	reload
	at_terminal --expect 'guest: ready' --run 'systemctl kill -s KILL --kill-whom=main microvm@fore' --expect 'guest: ready' \
		--signal TERM --expect 'guest: bye' --modes-kept -- microvm run fore
	no_leftovers fore
}
