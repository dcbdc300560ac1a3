# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# A Debian 13 in which nothing was prepared boots from a folder tree: four times, with each type and each overlay once at
# least, a disk and a share by the initrds of initramfs-tools and of dracut each.

debian=$test_files/debian
state=/var/lib/microvms

# What the guest's systemd runs, from a share that it mounted.
write_script() { # FILE
	cat >"$1" <<-'EOF'
		say() { echo "guest: $*"; }
		say "root $(findmnt -n -o FSTYPE,OPTIONS / | tr -s ' ' | cut -d , -f 1)"
		[ ! -d /run/microvm-root ] || say "below $(findmnt -n -o FSTYPE /run/microvm-root/tree) $(findmnt -n -o FSTYPE /run/microvm-root/overlay)"
		say "shadow $(stat -c %U:%G:%a /etc/shadow) su $(stat -c %a /usr/bin/su)"
		say "failed $(systemctl list-units --failed --plain --no-legend | wc -l)"
		[ ! -e /root/kept ] || say "kept $(cat /root/kept)"
		echo something >/root/kept && say written
		rm /etc/debian_version && say removed
		say "all done"
	EOF
}

boots() { # NAME TYPE OVERLAY [INITRD], and on standard input sections
	mkdir -p /srv/given
	write_script /srv/given/script
	{
		cat <<-EOF
			[microvm]
			kernel = $debian/vmlinuz
			initrdPath = $debian/${4:-initrd}
			mem = 512
			kernelParams = $kernel_params no_timer_check "systemd.run=/bin/sh /mnt/script"
			startupTimeout = 300
			[root]
			source = $debian/tree
			type = $2
			overlay = $3
			[share given]
			source = /srv/given
			readOnly = yes
			mountPoint = /mnt
		EOF
		[ -t 0 ] || cat
	} | raw_conf "$1"
	reload
	start "$1"
	guest_says "$1" 'all done' 600
	wait_until 120 is_state "$1" inactive
	no_leftovers "$1"
}

volume=$'[volume data]\nsize=64\n'

test_debian_boots_from_erofs_and_writes_to_a_volume() {
	boots debian erofs data <<<"$volume"
	guest_says debian 'root overlay rw'
	guest_says debian 'below erofs ext4'
	guest_says debian 'shadow root:shadow:640 su 4755'
	guest_says debian 'failed 0'
	guest_says debian written
	guest_says debian removed
	assert_fails journal_has microvm@debian.service 'kept'
}

test_debian_keeps_what_it_wrote_also_over_squashfs() {
	boots debian squashfs data dracut <<<"$volume"
	guest_says debian 'below squashfs ext4'
	guest_says debian 'kept something'
	guest_says debian 'shadow root:shadow:640 su 4755'
	assert_fails journal_has microvm@debian.service 'guest: removed'
	e2fsck -fy $state/debian/data.img || [ $? = 1 ]
	rm -r $state/debian
}

test_debian_boots_from_a_shared_folder_and_writes_to_memory() {
	boots debian virtiofs tmpfs </dev/null
	guest_says debian 'root overlay rw'
	guest_says debian 'below virtiofs tmpfs'
	guest_says debian 'shadow root:shadow:640 su 4755'
	guest_says debian written
	[ ! -e $state/debian/root.image ] || fail 'an image was made of a share'
}

test_debian_boots_from_9p_and_writes_nothing() {
	boots debian 9p none dracut </dev/null
	guest_says debian 'root 9p ro'
	assert_fails journal_has microvm@debian.service 'guest: (written|removed)'
	assert_eq 'what is there' "$(ls -A $state/debian | paste -s -d ' ')" 'root.initrd root.initrd.digest'
}
