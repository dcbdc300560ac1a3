# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A MicroVM from start to stop, and everything that can come between.

status_of() { systemctl status --no-pager --lines=50 "microvm@$1" || true; }

test_start_without_configuration_says_so() {
	assert_fails start nobody
	assert_match "$(status_of nobody)" "/etc/microvm/nobody.conf"
	assert_match "$(status_of nobody)" "status=6/NOTCONFIGURED"
	systemctl reset-failed
}

test_start_before_the_reload_says_so() {
	conf early </dev/null
	assert_fails start early
	assert_match "$(status_of early)" "daemon-reload"
	systemctl reset-failed
	rm /etc/microvm/early.conf
}

test_start_returns_when_the_hypervisor_runs() {
	conf one </dev/null
	reload
	start one
	assert_eq state "$(state one)" active
	assert_match "$(cat "/proc/$(main_pid one)/cmdline" | tr '\0' ' ')" "qemu-system.* -qmp "
	assert_match "$(property microvm@one ExecStartPost)" "status=0"
	guest_says one ready
}

test_nothing_of_the_hypervisor_is_root() {
	local pid

	pid=$(main_pid one)
	assert_match "$(grep ^Uid: "/proc/$pid/status")" "^Uid:	6[1-5][0-9]{3}	6"
	assert_match "$(grep ^CapEff: "/proc/$pid/status")" "0000000000000000"
	assert_match "$(grep ^CapBnd: "/proc/$pid/status")" "0000000000000000"
	assert_eq "process name" "$(cat "/proc/$pid/comm")" microvm@one
}

test_a_plain_microvm_loads_one_unit() {
	assert_eq units "$(systemctl list-units --all --plain --no-legend '*microvm*@*' | wc -l)" 1
}

test_exposure_is_at_most_1_5() {
	local exposure

	exposure=$(systemd-analyze security --no-pager microvm@one | sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')
	awk -v e="$exposure" 'BEGIN { exit !(e != "" && e <= 1.5) }' || fail "exposure is '$exposure'"
}

test_an_edit_without_a_reload_changes_nothing() {
	sed -i 's/^mem=.*/mem=320/' /etc/microvm/one.conf
	assert_eq NeedDaemonReload "$(property microvm@one NeedDaemonReload)" yes
	assert_match "$(status_of one 2>&1)" "daemon-reload"
	restart one 2>/dev/null
	assert_match "$(tr '\0' ' ' <"/proc/$(main_pid one)/cmdline")" " -m (size=)?256M"
}

test_an_edit_takes_effect_with_reload_and_restart() {
	reload
	assert_match "$(tr '\0' ' ' <"/proc/$(main_pid one)/cmdline")" " -m (size=)?256M"
	restart one
	assert_match "$(tr '\0' ' ' <"/proc/$(main_pid one)/cmdline")" " -m (size=)?320M"
	guest_says one ready
}

test_stop_lets_the_guest_power_off() {
	stop one
	journal_has microvm@one.service "guest: power button, powering off"
	journal_has microvm@one.service "guest: bye"
	assert_eq result "$(property microvm@one Result)" success
	no_leftovers one
}

test_stop_while_the_guest_boots() {
	start one
	stop one
	journal_has microvm@one.service "guest: bye"
	no_leftovers one
}

test_enable_disable_is_enabled() {
	assert_eq is-enabled "$(systemctl is-enabled microvm@one || true)" disabled
	systemctl enable microvm@one
	assert_eq is-enabled "$(systemctl is-enabled microvm@one)" enabled
	systemctl disable microvm@one
	assert_eq is-enabled "$(systemctl is-enabled microvm@one || true)" disabled
}

removed_while_running() { # NAME
	rm "/etc/microvm/$1.conf"
	reload
	assert_eq state "$(state "$1")" active
	stop "$1"
	journal_has "microvm@$1.service" "guest: bye"
	assert_eq result "$(property "microvm@$1" Result)" success
	no_leftovers "$1"
}

test_removed_while_running() {
	up gone </dev/null
	rm /etc/microvm/gone.conf
	reload
	assert_match "$(property microvm@gone Description)" "configuration is gone"
	touch /etc/microvm/gone.conf
	removed_while_running gone
}

has_ended() { [ "$(property "$1" ActiveState)" = inactive ]; } # UNIT

test_removed_while_running_with_a_long_name() {
	local name=a-name-that-is-far-too-long-for-the-name-of-a-user-of-its-own

	truncate -s 4M /srv/long.img
	up "$name" <<<$'[volume data]\nimage=/srv/long.img\nfsType=none'
	assert_match "$(property "microvm@$name" User)" "^vm-a-name-that-is-far-.*-[0-9a-f]{8}$"
	getfacl -pn /srv/long.img | grep -q '^user:[0-9]'
	removed_while_running "$name"
	wait_until 10 nobody_let_in /srv/long.img
	wait_until 10 has_ended "install-microvm@$name"
}

test_removed_while_running_as_a_user_that_exists() {
	useradd --system --groups kvm keeper
	up kept <<<$'user=keeper\n[volume data]\nimage=/srv/long.img\nfsType=none'
	assert_eq owner "$(stat -c %U "/proc/$(main_pid kept)")" keeper
	removed_while_running kept
	wait_until 10 nobody_let_in /srv/long.img
}

test_broken_while_running() {
	up mended </dev/null
	echo 'nonsense' >>/etc/microvm/mended.conf
	reload
	assert_eq state "$(state mended)" active
	stop mended
	journal_has microvm@mended.service "guest: bye"
	no_leftovers mended
	assert_fails start mended
	assert_match "$(status_of mended)" "/etc/microvm/mended.conf:6: .*nonsense|/etc/microvm/mended.conf:[0-9]+: not a comment"
}

test_changed_while_running_is_stopped_as_it_was_started() {
	up changed </dev/null
	printf 'socket=/run/microvm/changed/other.sock\nuser=keeper\n' >>/etc/microvm/changed.conf
	reload
	stop changed
	journal_has microvm@changed.service "guest: bye"
	no_leftovers changed
}

test_a_killed_hypervisor_is_started_again() {
	local first

	up crash </dev/null
	first=$(main_pid crash)
	journal_mark
	kill -KILL "$first"
	guest_says crash ready
	wait_until 10 is_state crash active
	assert_fails [ "$(main_pid crash)" = "$first" ]
	stop crash
	journal_has microvm@crash.service "guest: bye"
	no_leftovers crash
}

test_a_killed_hypervisor_stays_dead_with_restart_no() {
	up dead <<<'restart=no'
	kill -KILL "$(main_pid dead)"
	wait_until 10 is_state dead failed
	no_leftovers dead
	start dead
	guest_says dead ready
	stop dead
}

test_a_reboot_of_the_guest_is_no_end() {
	local pid

	conf again test.do=reboot test.after=1 </dev/null
	reload
	start again
	pid=$(main_pid again)
	wait_until 60 seen_twice
	assert_eq "main process" "$(main_pid again)" "$pid"
	assert_eq state "$(state again)" active
	systemctl kill --kill-whom=main microvm@again
	wait_until 10 is_state again inactive
	no_leftovers again
}

seen_twice() { [ "$(journal microvm@again.service | grep -c 'guest: up')" -ge 2 ]; }

test_a_poweroff_of_the_guest_is_the_end() {
	conf off test.do=poweroff </dev/null
	reload
	start off
	wait_until 60 is_state off inactive
	journal_has microvm@off.service "guest: bye"
	assert_eq restarts "$(property microvm@off NRestarts)" 0
	assert_eq result "$(property microvm@off Result)" success
	no_leftovers off
}

test_a_poweroff_is_followed_by_a_start_with_restart_always() {
	# With a volume: what prepares it ends with each run and must not keep the next from starting.
	conf ever test.do=poweroff <<<$'restart=always\n[volume data]\nsize=16'
	reload
	start ever
	wait_until 60 restarted ever
	stop ever
	no_leftovers ever
}

restarted() { [ "$(property "microvm@$1" NRestarts)" -ge 1 ]; }

test_a_guest_that_does_not_listen_makes_a_failed_stop() {
	conf deaf test.do=hang <<<'shutdownTimeout=4'
	reload
	start deaf
	guest_says deaf test.do=hang
	stop deaf || true
	journal_has microvm@deaf.service "has not shut down in 4 s"
	assert_eq state "$(state deaf)" failed
	no_leftovers deaf
}

test_a_hypervisor_that_does_not_run_the_guest_is_not_active() {
	printf 'startupTimeout=3\nrestart=no\n[qemu]\nextraArgs=-S\n' | conf paused
	reload
	assert_fails start paused
	assert_eq result "$(property microvm@paused Result)" timeout
	no_leftovers paused
}

test_a_hypervisor_that_cannot_start_says_why() {
	printf '[qemu]\nextraArgs=-nonsense\nserialConsole=no\n' | conf wrong
	sed -i 's/^\[qemu/restart=no\n[qemu/' /etc/microvm/wrong.conf
	reload
	assert_fails start wrong
	journal_has microvm@wrong.service "nonsense: invalid option"
	no_leftovers wrong
}

test_a_kernel_that_is_missing_is_named() {
	raw_conf nokernel <<<$'[microvm]\nkernel=/nowhere/vmlinuz\nrestart=no'
	reload
	assert_fails start nokernel
	journal_has microvm@nokernel.service "/nowhere/vmlinuz"
}

test_pre_start_runs_as_the_user_in_the_state_folder() {
	conf prepared <<'EOT'
preStart=echo "in $PWD as $(id -un) of $1;" '100%%' > seen
preStart=test -w . && ! test -w /etc
EOT
	reload
	start prepared
	assert_match "$(cat /var/lib/microvms/prepared/seen)" '^in /var/lib/microvms/prepared as vm-prepared of ; 100%$'
	stop prepared
	printf 'preStart=exit 3\nrestart=no\n' >>/etc/microvm/prepared.conf
	reload
	assert_fails start prepared
	no_leftovers prepared
}

test_arguments_of_a_script_reach_the_hypervisor() {
	printf '#!/bin/sh\necho -device "virtio-rng-pci,id=from-a-script"\n' >/usr/local/bin/more-args
	chmod 755 /usr/local/bin/more-args
	conf scripted <<<'extraArgsScript=/usr/local/bin/more-args'
	reload
	start scripted
	assert_match "$(tr '\0' ' ' <"/proc/$(main_pid scripted)/cmdline")" "id=from-a-script"
	stop scripted
}

test_user_networking_reaches_the_host_and_nothing_else_is_open() {
	printf '[interface net]\ntype=user\nmac=02:00:00:00:00:07\n' | conf net test.dhcp
	reload
	start net
	guest_says net "net eth0 mac=02:00:00:00:00:07"
	guest_says net "dhcp 10.0.2.15"
	awk -v e="$(systemd-analyze security --no-pager microvm@net | sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')" \
		'BEGIN { exit !(e != "" && e <= 1.5) }'
	stop net
	no_leftovers net
}

test_requires_starts_the_other_first() {
	conf base </dev/null
	conf upon <<<'requires=base'
	reload
	start upon
	assert_eq state "$(state base)" active
	systemctl stop microvm@upon microvm@base
}

test_no_other_microvm_can_be_seen() {
	conf left <<<$'preStart=true\n'
	conf right <<<$'preStart=ls -a /var/lib/microvms /run/microvm > seen 2>&1; ls /run/microvm/left >> seen 2>&1; true\n'
	reload
	start left right
	assert_fails grep -q '^left$' <(sed '/run/,$d' /var/lib/microvms/right/seen)
	assert_match "$(cat /var/lib/microvms/right/seen)" "(cannot open directory|cannot access) '/run/microvm/left'"
	stop left right
}

test_of_fifty_one_broken_is_one_broken() {
	local i

	for i in {1..50}; do
		conf "many$i" </dev/null
	done
	printf '[volume data]\nsise=5\n' >>/etc/microvm/many25.conf
	assert_fails microvm check
	reload
	start many1 many26 many50
	for i in 1 26 50; do
		assert_eq state "$(state "many$i")" active
	done
	assert_fails start many25
	assert_match "$(status_of many25)" "/etc/microvm/many25.conf:7: \[volume data\] unknown key 'sise', did you mean 'size'"
	assert_eq restarts "$(property microvm@many25 NRestarts)" 0
	stop many1 many26 many50
	rm /etc/microvm/many*.conf
	reload
}

test_autostart_and_enable_start_with_the_host() {
	conf auto <<<'autostart=yes'
	conf enabled </dev/null
	conf idle </dev/null
	reload
	systemctl enable microvm@enabled
	then_reboot
}

test_after_the_boot_they_run_and_the_other_does_not() {
	guest_says auto ready
	guest_says enabled ready
	assert_eq state "$(state idle)" inactive
	assert_eq target "$(systemctl is-active microvms.target)" active
	then_reboot
}

test_the_hosts_shutdown_asked_the_guests() {
	# The journal of the boot before is gone with its host's memory; what was written to disk is not.
	guest_says auto ready
	systemctl disable --now microvm@enabled
	stop auto
	no_leftovers auto
	no_leftovers enabled
}
