# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Volumes that are block devices of the host: opened to one MicroVM, and never while the host uses them. The host is a
# container without udev, so the tests make the nodes and links that udev would.

disk=/srv/disk.raw

# Sets $loop to a loop device over $disk. It is told to go with the last who has it open, and that is a unit that ends
# with this file, whatever happens in it, or with the container.
attach() { # SIZE [LOSETUP-OPTION...]
	[ -e /dev/loop-control ] || mknod /dev/loop-control c 10 237
	rm -f "$disk"
	truncate -s "$1" "$disk"
	shift
	for _ in {1..20}; do
		loop=$(losetup -f) || skip "no loop devices"
		loop=${loop% (lost)} # as newer versions say where there is no node
		[ -e "$loop" ] || mknod "$loop" b 7 "${loop#/dev/loop}"
		! losetup "$@" "$loop" "$disk" || break
		loop=
	done
	[ -n "$loop" ] || skip "no free loop device"
	chmod 660 "$loop"
	systemd-run --quiet --unit=microvm-test-loop --service-type=exec -p StandardInput="file:$loop" \
		sleep infinity
	losetup -d "$loop"
	echo "$loop" >/run/test-loop
}

# The one of the tests before.
attached() {
	loop=$(cat /run/test-loop) || skip "no loop devices"
}

with_disk() { # NAME WORDS KEYS...
	{
		printf '[volume data]\n'
		printf '%s\n' "${@:3}"
	} | conf "$1" "$2"
	reload
}

let_in() { getfacl -cpnE "$loop" | grep '^user:[0-9]'; }

nobody_let_in() { ! let_in; }

refused() { # PATTERN: for a reason
	assert_fails start block
	journal_has install-microvm@block.service "$1"
	nobody_let_in || fail "let in: $(let_in)"
	journal_mark
}

test_a_device_is_written_by_its_microvm_alone() {
	attach 64M
	mkfs.ext4 -q -L 'my disk' "$loop"
	with_disk block test.write=data:first "image=$loop"
	assert_eq "microvm check" "$(microvm check 2>&1)" ""
	start block
	guest_says block "disk vda serial=data size=67108864 ro=0"
	guest_says block "wrote first"
	assert_eq "let in" "$(let_in)" "user:$(stat -c %u "/proc/$(main_pid block)"):rw-"
	assert_match "$(tr '\0' '\n' <"/proc/$(main_pid block)/cmdline")" host_device
	# The kernel keeps it from the host, and udev can look at it all the same.
	assert_fails mount "$loop" /mnt
	flock --shared --nonblock "$loop" true
	# Of other devices the hypervisor opens none.
	assert_eq "devices" "$(find "/proc/$(main_pid block)/fd" -lname '/dev/loop*' -printf '%l\n' | sort -u)" "$loop"
	stop block
	wait_until 10 nobody_let_in
	e2fsck -fn "$loop"
	no_leftovers block
}

test_a_tag_finds_it() {
	attached
	mkdir -p /dev/disk/by-label
	ln -sf "../../${loop#/dev/}" '/dev/disk/by-label/my\x20disk'
	with_disk block test.read=data 'image=LABEL=my disk'
	start block
	guest_says block "read first"
	stop block
	wait_until 10 nobody_let_in
}

test_a_conf_that_is_gone_leaves_nobody_let_in() {
	attached
	start block
	let_in
	mv /etc/microvm/block.conf /run/block.conf
	reload
	let_in
	systemctl stop microvm@block
	wait_until 10 nobody_let_in
	mv /run/block.conf /etc/microvm/block.conf
	reload
}

test_one_device_under_two_names_is_refused() {
	attached
	printf '[volume data]\nimage=%s\n' "$loop" | conf thief
	assert_match "$(microvm check 2>&1)" "thief.conf:7: \[volume data\] image: '$loop' is in use already by /etc/microvm/block.conf"
	# What the generator could not see yet, early at boot, the start sees.
	start block
	sed -i 's,^image=.*,image=/dev/later,' /etc/microvm/thief.conf
	reload
	mknod -m 660 /dev/later b 7 "${loop#/dev/loop}"
	assert_fails start thief
	journal_has install-microvm@thief.service "/dev/later: is in use by another MicroVM or program"
	stop block
	rm -f /dev/later /etc/microvm/thief.conf
	reload
}

test_two_readers_share_it() {
	attached
	with_disk block "" 'image=LABEL=my disk' readOnly=yes
	with_disk other "" "image=$loop" readOnly=yes
	start block
	start other
	guest_says block "disk vda serial=data size=67108864 ro=1"
	guest_says other "disk vda serial=data size=67108864 ro=1"
	assert_eq "let in" "$(let_in | wc -l)" 2
	with_disk writer "" "image=$loop"
	rm /etc/microvm/block.conf /etc/microvm/other.conf
	reload
	assert_fails start writer
	journal_has microvm@writer.service "in use by another MicroVM or program"
	stop block other
	wait_until 10 nobody_let_in
	rm /etc/microvm/writer.conf
	reload
}

test_a_mounted_device_is_refused() {
	attached
	with_disk block "" "image=$loop"
	mount "$loop" /mnt
	assert_match "$(microvm check 2>&1)" "image: $loop is mounted at /mnt; a MicroVM must have it for itself \(warning\)"
	refused "$loop: is mounted at /mnt"
	# Nor where this unit does not see the mount.
	unshare --mount --propagation private sleep 1000 &
	sleep 0.5
	umount /mnt
	refused "$loop: is in use by another MicroVM or program"
	kill %1
	wait_until 5 not_claimed
	start block
	stop block
	wait_until 10 nobody_let_in
}

not_claimed() { mount "$loop" /mnt && umount /mnt; }

test_a_swap_device_is_refused() {
	attached
	with_disk block "" "image=$loop" fsType=none
	mkswap "$loop"
	swapon "$loop" 2>/dev/null || skip "swap is not for containers"
	assert_match "$(microvm check 2>&1)" "image: $loop is in use as swap"
	refused "$loop: is in use as swap"
	swapoff "$loop"
}

test_a_disk_with_a_mounted_partition_is_refused() {
	attached
	local number

	addpart "$loop" 1 2048 65536 || skip "no partitions here"
	number=$(cat "/sys/class/block/${loop#/dev/}/${loop#/dev/}p1/dev")
	[ -e "${loop}p1" ] || mknod "${loop}p1" b "${number%:*}" "${number#*:}"
	mkfs.ext4 -q -F "${loop}p1"
	mount "${loop}p1" /mnt
	refused "has a partition ${loop#/dev/}p1, which is mounted at /mnt"
	umount /mnt
	delpart "$loop" 1
	rm -f "${loop}p1"
}

test_what_does_not_fit_is_refused() {
	attached
	mkfs.ext4 -q -F "$loop"
	sum=$(sha256sum <"$disk")
	with_disk block "" "image=$loop" fsType=xfs
	refused "holds ext4, not xfs"
	with_disk block "" "image=$loop" size=65
	assert_match "$(microvm check 2>&1)" "size: $loop has only 67108864 bytes, and a block device is never grown"
	refused "has 67108864 bytes, less than the size of 68157440"
	assert_eq content "$(sha256sum <"$disk")" "$sum"
	wipefs -qa "$loop"
	dd if=/dev/zero of="$loop" bs=1M count=64 status=none
	sum=$(sha256sum <"$loop")
	with_disk block "" "image=$loop"
	refused "run mkfs.ext4, or set fsType = none"
	assert_eq content "$(sha256sum <"$loop")" "$sum"
}

test_a_device_that_is_not_there() {
	with_disk block "" image=UUID=0b7a2b1c-0d4e-4c77-9a5e-c0ffee000001
	assert_match "$(microvm check 2>&1)" "by-uuid/0b7a2b1c-0d4e-4c77-9a5e-c0ffee000001: No such file or directory \(warning\)"
	assert_fails start block
	journal_has install-microvm@block.service "by-uuid/0b7a2b1c-0d4e-4c77-9a5e-c0ffee000001: no device of the host has that name"
	no_leftovers block
}

test_a_device_that_can_only_be_read() {
	attached
	systemctl stop microvm-test-loop
	attach 64M --read-only
	with_disk block "" "image=$loop" fsType=none
	refused "can only be read; set readOnly = yes"
	printf 'readOnly=yes\n' >>/etc/microvm/block.conf
	reload
	start block
	guest_says block "disk vda serial=data size=67108864 ro=1"
	stop block
	wait_until 10 nobody_let_in
}

told_of_disk() { journalctl -b -q -o cat OBJECT_SYSTEMD_UNIT=microvm@block.service | grep -c "$1" || true; }

pull() { # With an event as of a device that is pulled: udev and systemd take it for gone.
	udevadm trigger --action=change "/sys/class/block/${loop#/dev/}"
	wait_until 10 systemctl is-active "dev-${loop#/dev/}.device"
	udevadm trigger --action=remove "/sys/class/block/${loop#/dev/}"
	wait_until 10 is_pulled
	sleep 0.5 # for what that starts
	journalctl --sync
}

is_pulled() { ! systemctl is-active "dev-${loop#/dev/}.device"; }

# No guest is needed for it: what counts as one that runs is its runtime folder.
test_a_device_that_goes_while_it_runs_is_told() {
	attached
	have_udev
	mount -o remount,rw /sys/devices
	mount -o remount,rw,bind /sys/devices
	with_disk block "" "image=$loop" fsType=none
	pull
	assert_eq "lines without a MicroVM that runs" "$(told_of_disk 'is gone')" 0
	mkdir -p /run/microvm/block
	pull
	assert_eq "lines with one" "$(told_of_disk '^volume data: its device is gone, so microvm@block.service is stopped')" 1
	rmdir /run/microvm/block
	mount -o remount,ro,bind /sys/devices
	end_udev
}

test_a_folder_below_the_state_folder_is_made() {
	with_disk deep test.write=data:x image=sub/deep/x.img size=64
	start deep
	guest_says deep "wrote x"
	stop deep
	e2fsck -fn /var/lib/microvms/deep/sub/deep/x.img
}
