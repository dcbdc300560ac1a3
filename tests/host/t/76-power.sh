# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The front of the machine: reset, poweroff, the plug; and its balloon.

test_a_balloon_takes_and_gives_back() {
	up web <<<'balloon=yes'
	assert_match "$(microvm balloon web)" '^The balloon of web has 0 MiB, the guest 256 of 256 MiB\.$'
	assert_match "$(microvm balloon web 64M)" 'has 64 MiB, the guest 192 of 256 MiB'
	assert_match "$(microvm balloon web)" 'has 64 MiB'
	assert_match "$(microvm balloon web 0)" 'has 0 MiB'
}

test_a_balloon_is_below_what_the_guest_has() {
	assert_match "$(microvm balloon web 256 2>&1 || echo "exit $?")" "'256' is not a number of MiB below.*"
	assert_match "$(microvm balloon web much 2>&1 || echo "exit $?")" 'exit 2'
}

test_reset_resets_in_place() {
	local pid

	pid=$(main_pid web)
	journal_mark
	microvm power web reset
	guest_says web ready
	assert_eq "main process" "$(main_pid web)" "$pid"
}

test_kill_is_at_once_and_no_failure() {
	journal_mark
	microvm power web kill
	assert_eq state "$(state web)" inactive
	assert_fails journal_has microvm@web.service 'guest: bye'
	assert_eq restarts "$(property microvm@web NRestarts)" 0
	no_leftovers web
}

test_poweroff_asks_and_is_not_followed_by_a_start() {
	up web <<<'restart=always'
	microvm power web poweroff
	journal_has microvm@web.service 'guest: bye'
	assert_eq state "$(state web)" inactive
	sleep 2 # RestartSec=1s
	assert_eq state "$(state web)" inactive
	no_leftovers web
}

test_what_is_not_there_is_told() {
	assert_match "$(microvm power web reset 2>&1 || echo "exit $?")" 'web does not run'
	assert_match "$(microvm power web fly 2>&1 || echo "exit $?")" 'exit 2'
	conf web </dev/null
	reload
	start web
	assert_match "$(microvm balloon web 2>&1 || echo "exit $?")" 'web has no balloon; write balloon=yes'
	microvm power web kill
}
