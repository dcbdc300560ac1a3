# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# What is prepared for a run is for that run alone, however soon the next one follows.

disk=/var/lib/microvms/web/data.img

# With 16 MiB and a tap, or what follows.
web() { conf web <<<$'[volume data]\nimage=data.img\nsize='"${1-16}"$'\n[interface '"${2-first}"$']\ntype=tap\nmac=02:00:00:00:00:01'; }

run_of() { property "$1@web" InvocationID; } # TEMPLATE

renewal_is_over() { [ "$(property microvm-renew@web ActiveState)" = inactive ]; }

runs_as_another() { # THAN
	is_state web active && [ "$(run_of microvm)" != "${1:0:32}" ] && [ "$(run_of microvm-tap-interfaces)" != "${1:32}" ]
}

# Whose stop takes until it is let go.
hold() { kill -STOP "$(main_pid web)"; }
let_go() { kill -CONT "$(main_pid web)"; }

stop_hangs() {
	hold
	systemctl stop --no-block microvm@web
	wait_until 10 is_state web deactivating
}

test_start_in_a_stop_takes_what_is_configured_by_then() {
	local starting

	web
	reload
	start web
	guest_says web ready
	stop_hangs
	web 32 second
	reload
	start web &
	starting=$!
	# It does not touch what still runs.
	sleep 1
	is_state web deactivating
	ip link show first >/dev/null
	let_go
	wait "$starting"
	is_state web active
	assert_eq size "$(stat -c %s $disk)" $((32 << 20))
	ip link show second >/dev/null
	assert_fails ip link show first
	journal_has microvm-renew@web.service 'what was prepared for the run before is still there; microvm@web.service is restarted'
}

test_start_of_what_runs_is_none() {
	local before

	before=$(run_of microvm)
	start web
	wait_until 10 renewal_is_over
	assert_eq 'its run' "$(run_of microvm)" "$before"
	assert_fails journal_has microvm-renew@web.service .
}

test_systemd_itself_renews_it_after_a_crash() {
	local before

	before=$(run_of microvm)$(run_of microvm-tap-interfaces)
	kill -KILL "$(main_pid web)"
	wait_until 10 runs_as_another "$before"
	wait_until 10 renewal_is_over
	assert_fails journal_has microvm-renew@web.service .
}

test_a_restart_needs_nothing_more() {
	local before

	before=$(run_of microvm)$(run_of microvm-tap-interfaces)
	restart web
	runs_as_another "$before"
	guest_says web ready
	assert_fails journal_has microvm-renew@web.service .
}

test_what_is_not_renewed_is_told() {
	local before starting

	# So many starts in so few seconds would be refused.
	systemctl reset-failed microvm@web
	before=$(run_of microvm-tap-interfaces)
	systemctl mask --runtime microvm-renew@web
	stop_hangs
	start web &
	starting=$!
	wait_until 10 starts_again
	let_go
	wait "$starting"
	systemctl unmask --runtime microvm-renew@web
	assert_eq 'the taps' "$(run_of microvm-tap-interfaces)" "$before"
	journal_has microvm@web.service 'microvm-tap/web/.*is of an earlier run.*a restart of the MicroVM prepares it anew'
	restart web
	guest_says web ready
}

# Its job is the only one: what was to be stopped with it is not any more.
starts_again() { [ "$(systemctl list-jobs --no-legend '*web*' | awk '{ print $2, $3 }')" = 'microvm@web.service start' ]; }

test_stop_has_the_last_word() {
	stop_hangs
	systemctl start --no-block microvm@web
	wait_until 10 renewal_is_over
	systemctl stop --no-block microvm@web
	let_go
	wait_until 20 is_state web inactive
	wait_until 20 nothing_is_stopping
	is_state web inactive
	no_leftovers web
}

# systemd 257 loses the stop of what was prepared in one of twenty.
test_start_at_once_behind_the_end() {
	local i before

	start web
	for i in {1..12}; do
		before=$(run_of install-microvm)$(run_of microvm-tap-interfaces)
		microvm power web kill
		start web
		[ "$(run_of install-microvm)" != "${before:0:32}" ] || fail "the volume is of the run before, at $i" || return
		[ "$(run_of microvm-tap-interfaces)" != "${before:32}" ] || fail "the tap is of the run before, at $i" || return
	done
	assert_fails journal_has microvm@web.service 'Failed to'
	stop web
	no_leftovers web
}
