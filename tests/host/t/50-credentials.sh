# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Credentials reach the guest, and nobody else.

test_three_forms_reach_the_guest() {
	mkdir -p /srv/secrets
	printf 'from a file' >/srv/secrets/file
	printf 'encrypted' | systemd-creds encrypt --with-key=host --name=sealed - /srv/secrets/sealed
	chmod 600 /srv/secrets/*
	up web <<-'EOF'
		[credential file]
		path = /srv/secrets/file
		[credential sealed]
		encryptedPath = /srv/secrets/sealed
		[credential plain.value-1]
		value = 100%% "mine" $HOME \n
	EOF
	guest_says web 'credential file from a file'
	guest_says web 'credential sealed encrypted'
	guest_says web 'credential plain.value-1 100% "mine" \$HOME \\n'
}

test_nobody_else_reads_them() {
	local shown

	shown=$(systemctl cat microvm@web; systemctl show microvm@web; cat /proc/[0-9]*/cmdline | tr '\0' ' ')
	assert_fails grep -E 'from a file|encrypted$|mine' <<<"$shown"
	assert_eq 'the value' "$(stat -c '%a %U' /run/systemd/generator/microvm@web.service.d/plain.value-1.credential)" '600 root'
	assert_fails su -s /bin/sh nobody -c 'cat /run/credentials/microvm@web.service/file'
	stop web
	[ ! -e /run/credentials/microvm@web.service ] || fail 'credentials are left'
	no_leftovers web
}

test_too_much_under_a_long_name_is_told() {
	truncate -s 50k /srv/secrets/large
	conf large <<-'EOF'
		restart = no
		[credential a.name-with-more-than-the-28-bytes-of-fw_cfg]
		path = /srv/secrets/large
	EOF
	reload
	assert_fails start large
	journal_has microvm@large.service 'a.name-with-more.* is too large for a name of its length'
	systemctl reset-failed
	no_leftovers large
}

test_missing_file_is_told() {
	rm /srv/secrets/file
	assert_fails start web
	journal_has microvm@web.service 'credential|CREDENTIALS'
	systemctl stop microvm@web
	systemctl reset-failed
}
