# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# A Debian 13 in which nothing was prepared mounts its volumes and shares, and its systemd has its credentials. One boot
# for all: it takes a minute.

debian=$test_files/debian

# What the guest's systemd runs, from a share that it mounted.
write_script() { # FILE
	cat >"$1" <<-'EOF'
		for d in data fast nine mapped file; do
			echo "guest: $d $(findmnt -n -o FSTYPE,OPTIONS "/srv/$d" | tr -s ' ' | cut -d , -f 1)"
			echo "hello $d" >"/srv/$d/log"
		done
		chown 1000 /srv/mapped/log /srv/file/log /srv/fast/log
		for d in fast-ro nine-ro; do
			echo "guest: $d has $(cat /srv/$d/given)"
			touch "/srv/$d/new" && echo "guest: $d can be written"
		done
		echo "guest: owners $(stat -c %u /srv/mapped/log /srv/file/log /srv/fast/log | paste -s -d ' ')"
		systemd-creds --system --no-legend list | sed 's/^/guest: listed /'
		for c in file sealed plain a.name-with-more-than-the-28-bytes-of-fw_cfg; do
			echo "guest: credential $c $(systemd-creds --system cat "$c")"
		done
		echo "guest: all done"
	EOF
}

share() { # TAG PROTO [LINE...]
	printf '[share %s]\nsource = %s\nproto = %s\nmountPoint = /srv/%s\n' "$1" "${source-$1}" "$2" "$1"
	[ $# -lt 3 ] || printf '%s\n' "${@:3}"
}

console_had() { journalctl -b -q -o cat --no-pager -u microvm@debian.service | grep -E "$1" >/dev/null; }

credentials() {
	printf 'from a file' >/srv/secret
	printf 'unsealed' | systemd-creds encrypt --with-key=host --name=sealed - /srv/sealed
	chmod 600 /srv/secret /srv/sealed
	cat <<-EOF
		[credential file]
		path = /srv/secret
		[credential sealed]
		encryptedPath = /srv/sealed
		[credential plain]
		value = as it is
		[credential a.name-with-more-than-the-28-bytes-of-fw_cfg]
		path = /srv/secret
	EOF
}

test_guest_mounts_what_it_has() {
	mkdir -p /srv/given
	chmod 755 /srv/given
	echo something >/srv/given/given
	write_script /srv/given/script
	qemu-img create -q -f qcow2 -b "$debian/root.img" -F raw /srv/root.qcow2
	{
		cat <<-EOF
			[microvm]
			kernel = $debian/vmlinuz
			initrdPath = $debian/initrd
			mem = 512
			kernelParams = $kernel_params root=/dev/disk/by-id/virtio-root rw
			kernelParams = "systemd.run=/bin/sh /srv/fast-ro/script"
			startupTimeout = 300
			[volume root]
			image = /srv/root.qcow2
			imageType = qcow2
			fsType = none
			[volume data]
			size = 32
			mountPoint = /srv/data
		EOF
		share fast virtiofs
		source=/srv/given share fast-ro virtiofs 'readOnly = yes'
		share nine 9p
		share mapped 9p 'securityModel = mapped'
		share file 9p 'securityModel = mapped-file'
		source=/srv/given share nine-ro 9p 'readOnly = yes'
		credentials
	} | raw_conf debian
	reload
	start debian
	guest_says debian 'all done' 240
	guest_says debian 'data ext4'
	guest_says debian 'fast virtiofs'
	guest_says debian 'nine 9p'
	guest_says debian 'fast-ro has something'
	guest_says debian 'nine-ro has something'
	guest_says debian 'owners 1000 1000 1000'
	assert_fails journal_has microvm@debian.service 'can be written'
}

test_its_systemd_has_the_credentials() {
	local name

	for name in file sealed plain a.name-with-more-than-the-28-bytes-of-fw_cfg; do
		console_had "guest: listed $name "
	done
	console_had 'guest: credential file from a file'
	console_had 'guest: credential sealed unsealed'
	console_had 'guest: credential plain as it is'
	console_had 'guest: credential a.name-with-more-than-the-28-bytes-of-fw_cfg from a file'
}

test_host_sees_what_it_wrote() {
	local folder=/var/lib/microvms/debian d

	for d in fast nine mapped file; do
		assert_eq "the file in $d" "$(cat "$folder/$d/log")" "hello $d"
	done
	# virtiofs is root; 9p is the MicroVM's user, and keeps the guest's owners apart.
	assert_eq 'its owner' "$(stat -c %u "$folder/fast/log")" 1000
	assert_eq 'its owner' "$(stat -c %u "$folder/mapped/log")" "$(stat -c %u "$folder")"
	[ -e "$folder/file/.virtfs_metadata/log" ] || fail 'no metadata of mapped-file'
	assert_eq 'what was given' "$(ls /srv/given)" "$(printf 'given\nscript')"
}

test_guest_powered_itself_off() {
	wait_until 60 is_state debian inactive
	no_leftovers debian
	rm -f /srv/root.qcow2
}
