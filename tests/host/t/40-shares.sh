# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Folders of the host in the guest.

virtiofsd_pid() { property "microvm-virtiofsd@$1.service" MainPID; } # NAME:TAG

as_its_user() { # NAME COMMAND...
	local pid

	pid=$(main_pid "$1")
	nsenter -t "$pid" -m setpriv --reuid "$(stat -c %u "/proc/$pid")" --clear-groups "${@:2}"
}

share_ended() { [ "$(property "microvm-virtiofsd@$1.service" ActiveState)" = inactive ]; } # NAME:TAG

test_virtiofs_is_made_read_and_written() {
	up web test.share=data:hello <<-'EOF'
		[share data]
		source = data
		proto = virtiofs
	EOF
	guest_says web 'wrote hello'
	assert_eq 'the file' "$(cat /var/lib/microvms/web/data/log)" hello
	assert_eq 'its owner, as in the guest' "$(stat -c %u /var/lib/microvms/web/data/log)" 0
	assert_eq 'the folder is of the user of' "$(stat -c %u /var/lib/microvms/web/data)" "$(stat -c %u /run/microvm/web)"
}

test_virtiofsd_is_fenced_in() {
	local pid

	pid=$(virtiofsd_pid web:data)
	assert_eq 'what it sees as /' "$(stat -L -c %i "/proc/$pid/root")" "$(stat -c %i /var/lib/microvms/web/data)"
	assert_match "$(grep ^NoNewPrivs: "/proc/$pid/status")" '1$'
	# CAP_SYS_ADMIN, _MODULE, _RAWIO, _PTRACE, _NET_ADMIN
	assert_eq 'powers it must not have' $((0x$(awk '$1 == "CapEff:" { print $2 }' "/proc/$pid/status") & 0x2b1000)) 0
	assert_fails su -s /bin/sh nobody -c 'test -e /run/microvm-virtiofsd/web:data'
	assert_match "$(tr '\0' ' ' <"/proc/$pid/cmdline")" "--thread-pool-size=$(nproc) "
}

test_other_microvms_do_not_reach_the_socket() {
	up other </dev/null
	assert_fails as_its_user other test -S /run/microvm-virtiofsd/web:data
	as_its_user web test -S /run/microvm-virtiofsd/web:data
	stop other
}

test_virtiofsd_ends_with_the_run_and_starts_with_the_next() {
	local before

	before=$(virtiofsd_pid web:data)
	restart web
	guest_says web ready
	[ "$(virtiofsd_pid web:data)" != "$before" ] || fail 'the same virtiofsd'
	stop web
	wait_until 5 share_ended web:data
	no_leftovers web
	[ ! -e /run/microvm-virtiofsd/web:data ] || fail 'the socket is left'
}

# Its guest cannot shut down any more: it wants to write there.
test_killed_virtiofsd_is_told_and_back_with_the_next_start() {
	sed -i 's/^mem=.*/&\nshutdownTimeout=5/' /etc/microvm/web.conf
	reload
	start web
	guest_says web ready
	kill -KILL "$(virtiofsd_pid web:data)"
	wait_until 10 journal_has microvm@web.service 'virtiofsd of share web:data was ended by signal KILL: the guest has lost'
	assert_eq 'the MicroVM' "$(state web)" active
	journal_mark
	restart web
	guest_says web 'wrote hello'
	stop web
	wait_until 5 share_ended web:data
}

test_read_only_share() {
	mkdir -p /srv/ro
	echo given >/srv/ro/file
	chown games: /srv/ro
	up ro test.share=ro:no <<-'EOF'
		[share ro]
		source = /srv/ro
		proto = virtiofs
		readOnly = yes
	EOF
	guest_says ro 'share ro: ./file'
	guest_says ro 'cannot write to share ro'
	assert_eq 'the owner' "$(stat -c %U /srv/ro)" games
	assert_eq 'the files' "$(ls /srv/ro)" file
	stop ro
}

test_twenty_shares() {
	local i words=()

	for i in {1..20}; do
		words+=("test.share=s$i:$i")
	done
	for i in {1..20}; do
		printf '[share s%s]\nsource = s%s\nproto = virtiofs\n' "$i" "$i"
	done | up many "${words[@]}"
	for i in {1..20}; do
		assert_eq "share $i" "$(cat "/var/lib/microvms/many/s$i/log")" "$i"
	done
	stop many
	for i in {1..20}; do
		wait_until 5 share_ended "many:s$i"
	done
	no_leftovers many
}

# One that does not end with its connection, as one may whose file system hangs.
test_virtiofsd_ends_with_its_microvm_also_without_a_file() {
	cat >/usr/local/bin/hanging-virtiofsd <<-'EOF'
		#!/bin/sh
		for real in /usr/libexec/virtiofsd /usr/lib/qemu/virtiofsd; do
			[ ! -x $real ] || break
		done
		[ "$1" != --version ] || exec $real --version
		$real "$@"
		exec sleep 1000
	EOF
	chmod 755 /usr/local/bin/hanging-virtiofsd
	conf bound <<-'EOF'
		shutdownTimeout = 1
		[share one]
		source = one
		proto = virtiofs
		[share two]
		source = two
		proto = virtiofs
		[virtiofsd]
		package = /usr/local/bin/hanging-virtiofsd
	EOF
	reload
	start bound
	assert_eq 'the first' "$(property microvm-virtiofsd@bound:one.service PartOf)" microvm@bound.service
	sed -i '/^.share two/,/^proto/d' /etc/microvm/bound.conf
	reload
	assert_eq 'what is no longer in the file' "$(property microvm-virtiofsd@bound:two.service PartOf)" microvm@bound.service
	rm /etc/microvm/bound.conf
	reload
	assert_match "$(property microvm-virtiofsd@bound:one.service Before)" 'microvm@bound.service'
	stop bound || true
	wait_until 10 share_ended bound:one
	wait_until 10 share_ended bound:two
	no_leftovers bound
}

# A user who owns a folder on the way could lead root's virtiofsd to another one at any time.
test_links_in_a_folder_of_the_users_are_not_followed() {
	local folder=/var/lib/microvms/web/data

	rm -rf "$folder"
	ln -s /etc "$folder"
	assert_fails start web
	journal_has install-microvm@web.service 'may have put there'
	rm "$folder"
	rm -rf /srv/alice
	mkdir /srv/alice /srv/alice/data
	chown -R games: /srv/alice
	up link <<-'EOF'
		[share data]
		source = /srv/alice/data
		proto = virtiofs
	EOF
	stop link
	mv /srv/alice/data /srv/alice/away
	ln -s /etc /srv/alice/data
	assert_match "$(! /usr/lib/microvm/microvm-virtiofsd link data share.data.source=/srv/alice/data 2>&1)" \
		'source /srv/alice/data: on the way is a link'
	systemctl reset-failed
}

test_folder_that_cannot_be_made_is_told() {
	conf lost <<-'EOF'
		[share data]
		source = /srv/nowhere/data
		proto = virtiofs
	EOF
	reload
	assert_fails start lost
	journal_has install-microvm@lost.service '\[share data\] /srv/nowhere/data: the folder that it lies in does not exist'
	systemctl reset-failed
}

is_free() { ! getent passwd "$1"; } # UID

take() { # UID: when systemd has let go of it
	wait_until 10 is_free "$1"
	useradd --system --uid "$1" taken
}

# As after a boot in which the user got another number: here, because the first is taken.
test_a_folder_that_was_made_follows_the_user() {
	local first second

	mkdir /srv/others
	chown 61998:61998 /srv/others
	conf moved <<-'EOF'
		shutdownTimeout = 1
		restart = no
		[share made]
		source = /srv/made
		[share others]
		source = /srv/others
	EOF
	reload
	start moved
	first=$(stat -c %u "/proc/$(main_pid moved)")
	stop moved || true
	assert_eq 'who it was made for' "$(stat -c '%u %a' /srv/made)" "$first 755"
	touch /srv/made/of-root /srv/made/of-the-user
	chown "$first:$first" /srv/made/of-the-user
	take "$first"
	start moved
	second=$(stat -c %u "/proc/$(main_pid moved)")
	[ "$second" != "$first" ] || fail 'the same user'
	assert_eq 'its owners' "$(stat -c %u /srv/made /srv/made/of-the-user /srv/made/of-root | paste -s -d ' ')" "$second $second 0"
	assert_eq "another's" "$(stat -c %u /srv/others)" 61998
	stop moved || true
	userdel taken
	# Another folder in its place, of the same owner: nobody made it for us.
	rm -r /srv/made
	mkdir /srv/made
	chown "$second:$second" /srv/made
	take "$second"
	start moved
	assert_eq 'the new one' "$(stat -c %u /srv/made)" "$second"
	stop moved || true
	userdel taken
	rm -r /srv/made /srv/others
	systemctl reset-failed
}

test_a_share_waits_for_the_mount_that_it_lies_on() {
	mkdir -p /run/systemd/system
	printf '[Mount]\nWhat=tmpfs\nWhere=/srv/mounted\nType=tmpfs\n' >/run/systemd/system/srv-mounted.mount
	up mounted test.share=data:in <<-'EOF'
		[share data]
		source = /srv/mounted/data
		proto = virtiofs
	EOF
	assert_eq 'what is mounted' "$(findmnt -n -o FSTYPE /srv/mounted)" tmpfs
	assert_eq 'the file' "$(cat /srv/mounted/data/log)" in
	for unit in install-microvm@mounted microvm-virtiofsd@mounted:data microvm@mounted; do
		assert_match "$(property "$unit.service" After)" srv-mounted.mount
	done
	stop mounted
	systemctl stop srv-mounted.mount
	rm /run/systemd/system/srv-mounted.mount
}

test_virtiofsd_that_is_none_is_refused() {
	conf none <<-'EOF'
		restart = no
		[share data]
		source = data
		proto = virtiofs
		[virtiofsd]
		package = /bin/true
	EOF
	reload
	assert_fails start none
	journal_has microvm-virtiofsd@none:data.service "/bin/true --version says '.*', which is not what a virtiofsd says"
	systemctl reset-failed
}

test_a_socket_of_a_group() {
	groupadd -f shared
	up group test.share=data:in <<-'EOF'
		[share data]
		source = data
		proto = virtiofs
		socket = /run/group-data.sock
		[virtiofsd]
		group = shared
		threadPoolSize = 1
	EOF
	assert_eq 'the file' "$(cat /var/lib/microvms/group/data/log)" in
	assert_eq 'the socket' "$(stat -c '%G %a' /run/group-data.sock)" 'shared 660'
	stop group
	groupdel shared
}
