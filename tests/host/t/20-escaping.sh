# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Any text arrives as it was written: through the generator's units, PID 1's reading of them, and the helpers.

recorder=/usr/local/bin/records-its-arguments

test_random_words_arrive_in_the_hypervisor() {
	local i

	printf '#!/bin/sh\nprintf "%%s\\0" "$@" >argv\n' >$recorder
	chmod 755 $recorder
	python3 "$test_files/host/escaping.py" make "${ESCAPING_SEED:-1}" 10 250 $recorder
	microvm check
	reload
	assert_match "$(journalctl -b -q -o cat --no-pager _PID=1 2>&1 | grep -E '/run/systemd/generator/.*(esc[0-9])' || echo silent)" "^silent$"
	# Not by systemctl show, which fails for a unit that holds bytes that are no UTF-8.
	for i in {0..9}; do
		start "esc$i"
		wait_until 30 has_ended "esc$i"
	done
	python3 "$test_files/host/escaping.py" compare
	rm -rf /srv/vm*
}

has_ended() { [ -z "$(systemctl list-units --plain --no-legend --state=active,activating,deactivating "microvm@$1.service")" ]; }

test_errors_arrive_in_the_failing_unit() {
	raw_conf errors <<'EOT'
[microvm]
kernel=/boot/vmlinuz
vcpu="%n" 'it''s' $HOME ${x} \x41 %% é ;
EOT
	reload
	assert_fails start errors
	journal_has microvm@errors.service "/etc/microvm/errors.conf:3: \[microvm\] vcpu: '\"%n\" 'it''s' \\\$HOME \\\$\{x\} \\\\x41 %% é ;' is not a number"
}
