# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Logging in to guests: through the Unix socket of a hypervisor, of which there is a stand-in with a real sshd behind it,
# through a forwarded port of qemu, and what is said where there is no way. What the kernel's vsock does is left to it.

guest_sshd=/srv/sshd.sock

test_a_node_for_kvm() { make_kvm_node; }

# as_a_guest COMMAND...: answers at the guest's port 22 from now on, with the connection as standard input and output
as_a_guest() {
	systemctl stop guest-sshd.socket 2>/dev/null || true
	printf '[Socket]\nListenStream=%s\nAccept=yes\n' "$guest_sshd" >/run/systemd/system/guest-sshd.socket
	printf '[Service]\nExecStart=-%s\nStandardInput=socket\nStandardError=journal\nRuntimeDirectory=sshd\n' "$*" \
		>/run/systemd/system/guest-sshd@.service
	reload
	systemctl start guest-sshd.socket
}

new_host_key() {
	rm -f /srv/host-key
	ssh-keygen -q -t ed25519 -N '' -f /srv/host-key
}

have_sshd() {
	[ -x /usr/sbin/sshd ] || skip 'openssh-server is not installed on this host, where it would listen'
}

# stands_in NAME HYPERVISOR: a MicroVM with vsock whose hypervisor is the stand-in
stands_in() {
	make_vsock_stand_in "$2"
	raw_conf "$1" <<-EOF
		[microvm]
		hypervisor = $2
		kernel = /srv/vmlinux
		[$2]
		package = /srv/bin/$2
		[vsock]
		cid = auto
		ssh.enable = yes
	EOF
	reload
	start "$1"
}

# says STATUS PATTERN COMMAND...: how it ends, and what it says of it
says() {
	local said status=0

	said=$("${@:3}" 2>&1 </dev/null) || status=$?
	assert_eq "status of ${*:3}" "$status" "$1"
	assert_match "$said" "$2"
}

log_in() { microvm ssh web -i /srv/key "$@"; }

test_a_connection_goes_through_the_socket() {
	as_a_guest /bin/sh -c "'read -r line; echo \"\$\$line\" >/srv/heard'"
	rm -f /srv/heard
	stands_in web firecracker
	says 255 . microvm ssh web true
	wait_until 5 test -s /srv/heard
	assert_match "$(cat /srv/heard)" '^SSH-2.0-OpenSSH'
}

test_nobody_listens() {
	systemctl stop guest-sshd.socket
	says 255 'nobody listens on port 22 of vsock in the guest of web \(yet\)' microvm ssh web true
	says 255 'nobody listens on port 2222 of vsock' microvm ssh web -p 2222 true
}

test_only_root_may_look() {
	says 1 'Permission denied' runuser -u nobody -- microvm ssh web true
}

test_login() {
	have_sshd
	rm -f /srv/key ~/.ssh/known_hosts
	ssh-keygen -q -t ed25519 -N '' -f /srv/key
	new_host_key
	printf '%s\n' 'HostKey /srv/host-key' 'AuthorizedKeysFile /srv/key.pub' 'StrictModes no' >/srv/sshd_config
	as_a_guest /usr/sbin/sshd -i -f /srv/sshd_config
	assert_eq 'who is in' "$(log_in -- id -un)" root
	assert_eq 'what goes through' "$(seq 200000 | log_in 'cat; echo end' | md5sum)" "$({ seq 200000; echo end; } | md5sum)"
	says 42 '^$' log_in -- exit 42
}

test_options_are_whose_they_are() {
	have_sshd
	assert_eq 'options of the command' "$(log_in echo -n -l -- -v)" '-l -- -v'
	says 255 'nobody-here@microvm-web: Permission denied' microvm ssh -l nobody-here web -i /srv/key true
	assert_eq 'options of ssh' "$(log_in -o 'SetEnv=LC_TEST=yes' -v -- true 2>&1 | grep -c 'setting env LC_TEST')" 1
}

test_the_key_of_the_guest_is_kept_by_its_name() {
	have_sshd
	ssh-keygen -F microvm-web >/dev/null || fail 'the key is not known'
	stop web
	stands_in web cloud-hypervisor
	assert_eq 'with another hypervisor' "$(log_in -- echo in)" in
	new_host_key
	says 255 'REMOTE HOST IDENTIFICATION HAS CHANGED' log_in -- true
	assert_eq 'a guest that makes a new one each time' \
		"$(log_in -o UserKnownHostsFile=/dev/null -- echo in 2>/dev/null)" in
}

test_it_ends_with_the_guest() {
	local session

	have_sshd
	ssh-keygen -R microvm-web
	log_in -- 'echo in; sleep 100' >/srv/session 2>&1 &
	session=$!
	wait_until 10 grep -q in /srv/session
	stop web
	wait "$session" || assert_eq status "$?" 255
	says 1 'web does not run' microvm ssh web true
	no_leftovers web
}

test_a_number_is_for_the_proxy_of_systemd() {
	local number=4000000000

	mkdir -p /run/microvm/noted
	printf 'vsock.cid=%s\nvsock.ssh.enable=yes\n' "$number" >/run/microvm/noted/state
	if [ -x /usr/lib/systemd/systemd-ssh-proxy ]; then
		says 255 "AF_VSOCK|vsock:$number:22" microvm ssh noted true
		mount --bind /dev/null /usr/lib/systemd/systemd-ssh-proxy
		says 255 'microvm-ssh-proxy: port 22 of vsock in the guest of noted' microvm ssh noted true
		umount /usr/lib/systemd/systemd-ssh-proxy
	else
		says 255 'microvm-ssh-proxy: port 22 of vsock in the guest of noted' microvm ssh noted true
	fi
	rm -r /run/microvm/noted
}

test_a_package_knows_its_own_way() {
	mkdir -p /run/microvm/noted
	echo microvm.runner=/srv/package >/run/microvm/noted/state
	says 1 'noted runs by a package, which alone knows a way to its guest' microvm ssh noted
	rm -r /run/microvm/noted
}

test_no_node_is_left() {
	systemctl stop guest-sshd.socket
	rm -f /run/systemd/system/guest-sshd* "$guest_sshd"
	reload
	remove_kvm_node
}

test_a_forwarded_port() {
	up ports test.dhcp test.serve=22 <<-EOF
		[interface ports-0]
		type=user
		[forwardPort ssh]
		host.address=127.0.0.1
		host.port=2222
		guest.port=22
	EOF
	# What answers is no sshd: ssh shows what it says instead.
	says 255 'banner line 0: HTTP/1\.[01] ' microvm ssh ports -v -o ConnectTimeout=10 true
	says 1 'ssh is not installed \(on Debian: apt install openssh-client\)' env PATH=/srv "$(command -v microvm)" ssh ports
	stop ports
}

test_no_way() {
	conf ports <<-EOF
		[interface ports-0]
		type=user
		[forwardPort web]
		host.port=8080
		guest.port=80
	EOF
	reload
	start ports
	says 1 'ports has no vsock, .*; write cid=auto and ssh.enable=yes in \[vsock\], or guest.port=22 in a \[forwardPort\]' \
		microvm ssh ports true
	stop ports
	no_leftovers ports
}
