# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Networks that qemu makes by itself, and ports through them, both ways.

fetch() { timeout 10 python3 -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())' "$1"; }

test_ports_are_forwarded_both_ways() {
	mkdir -p /run/www
	echo from the host >/run/www/file
	systemd-run --quiet --unit=www -p WorkingDirectory=/run/www python3 -m http.server --bind 127.0.0.1 8081
	# Twice: each connection is one of its own.
	conf ports test.dhcp test.fetch=http://10.0.2.100/file test.fetch=http://10.0.2.100/file test.serve=80 <<-EOF
		[interface ports-0]
		type=user
		[forwardPort in]
		host.address=127.0.0.1
		host.port=8080
		guest.port=80
		[forwardPort out]
		from=guest
		guest.address=10.0.2.100
		guest.port=80
		host.port=8081
	EOF
	reload
	start ports
	guest_says ports ready
	assert_eq "fetches by the guest" "$(journal microvm@ports | grep -c '^guest: fetched from the host')" 2
	assert_eq answer "$(fetch http://127.0.0.1:8080/)" "guest: hello"
	assert_eq answer "$(fetch http://127.0.0.1:8080/)" "guest: hello"
}

test_a_port_that_nobody_serves_ends_the_connection() {
	systemctl stop www
	! pgrep microvm-forward || fail "a connection's program is left"
	stop ports
	no_leftovers ports
}
