# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Volumes: made once, never formatted over, locked while in use.

image=/var/lib/microvms/disk/data.img

with_volume() { # NAME WORDS KEYS...
	{
		printf '[volume data]\n'
		printf '%s\n' "${@:3}"
	} | conf "$1" "$2"
	reload
}

test_made_labelled_and_written() {
	with_volume disk test.write=data:first size=64 label=mine
	start disk
	guest_says disk "disk vda serial=data size=67108864 ro=0"
	guest_says disk "wrote first"
	assert_eq label "$(blkid -o value -s LABEL "$image")" mine
	assert_eq type "$(blkid -o value -s TYPE "$image")" ext4
	stop disk
	no_leftovers disk
	e2fsck -fn "$image"
}

test_still_there_after_a_restart() {
	sed -i 's/test.write=data:first/test.read=data/' /etc/microvm/disk.conf
	reload
	start disk
	guest_says disk "read first"
	stop disk
}

test_locked_while_it_runs() {
	start disk
	assert_fails flock --nonblock "$image" true
	stop disk
	flock --nonblock "$image" true
}

test_an_image_in_use_is_not_started() {
	flock --no-fork "$image" sleep 1000 &
	wait_until 5 locked "$image"
	assert_fails start disk
	journal_has microvm@disk.service "data.img is in use"
	kill %1
	systemctl stop microvm@disk
	start disk
	stop disk
}

locked() { ! flock --nonblock "$1" true; }

test_two_microvms_on_one_image_are_refused() {
	printf '[volume data]\nimage=%s\n' "$image" | conf thief
	assert_fails microvm check
	assert_match "$(microvm check 2>&1)" "thief.conf:7: \[volume data\] image: '$image' is in use already by /etc/microvm/disk.conf"
	reload
	assert_fails start thief
	ln "$image" /var/lib/microvms/hard.img
	sed -i 's,^image=.*,image=/var/lib/microvms/hard.img,' /etc/microvm/thief.conf
	assert_match "$(microvm check 2>&1)" "is in use already by /etc/microvm/disk.conf"
	rm /etc/microvm/thief.conf /var/lib/microvms/hard.img
	reload
}

test_another_file_system_is_never_formatted() {
	truncate -s 64M /srv/foreign.img
	mkfs.vfat /srv/foreign.img
	with_volume foreign "" image=/srv/foreign.img size=64
	sum=$(sha256sum </srv/foreign.img)
	assert_fails start foreign
	journal_has install-microvm@foreign.service "vfat.*ext4|ext4.*vfat"
	assert_eq content "$(sha256sum </srv/foreign.img)" "$sum"
	no_leftovers foreign
}

test_unknown_data_is_never_formatted() {
	head -c 4M /dev/urandom >/srv/data.img
	with_volume data "" image=/srv/data.img size=4
	sum=$(sha256sum </srv/data.img)
	assert_fails start data
	assert_eq content "$(sha256sum </srv/data.img)" "$sum"
	no_leftovers data
}

test_raw_data_is_passed_on_with_fs_type_none() {
	sed -i '/^size/c fsType=none' /etc/microvm/data.conf
	reload
	start data
	guest_says data "disk vda serial=data size=4194304"
	stop data
	assert_eq "owner stays" "$(stat -c %u /srv/data.img)" 0
	# The unit that let the user in ends behind the one that needed it.
	wait_until 10 nobody_let_in /srv/data.img
}

test_a_full_disk_leaves_no_half_image() {
	mkdir -p /srv/small
	mount -t tmpfs -o size=256k tmpfs /srv/small
	with_volume full "" image=/srv/small/full.img size=200 'mkfsExtraArgs=-E lazy_itable_init=0,lazy_journal_init=0'
	assert_fails start full
	assert_eq "what is left" "$(ls -A /srv/small)" ""
	no_leftovers full
	umount /srv/small
}

test_an_image_grows_and_never_shrinks() {
	sed -i 's/^size=64/size=96/' /etc/microvm/disk.conf
	reload
	start disk
	guest_says disk "disk vda serial=data size=100663296"
	guest_says disk "read first"
	stop disk
	sed -i 's/^size=96/size=32/' /etc/microvm/disk.conf
	reload
	start disk
	guest_says disk "disk vda serial=data size=100663296"
	stop disk
}

test_read_only_is_read_only() {
	printf 'readOnly=yes\n' >>/etc/microvm/disk.conf
	sed -i 's/test.read=data/test.read=data test.write=data:second/' /etc/microvm/disk.conf
	reload
	sum=$(sha256sum <"$image")
	start disk
	guest_says disk "disk vda serial=data size=100663296 ro=1"
	guest_says disk "ready"
	stop disk
	assert_eq content "$(sha256sum <"$image")" "$sum"
}

test_readers_share_an_image_and_keep_a_writer_out() {
	local keys=(image=/srv/shared.img fsType=none)

	truncate -s 4M /srv/shared.img
	with_volume reader "" "${keys[@]}" readOnly=yes
	with_volume other "" "${keys[@]}" readOnly=yes
	start reader other
	# As if the writer's file had been there when theirs were not.
	rm /etc/microvm/reader.conf /etc/microvm/other.conf
	with_volume writer "" "${keys[@]}"
	assert_fails start writer
	journal_has microvm@writer.service "/srv/shared.img is in use by another MicroVM or program"
	rm /etc/microvm/writer.conf
	systemctl kill --kill-whom=main --signal=TERM microvm@reader microvm@other
	systemctl stop microvm@writer
}

test_other_file_systems() {
	local fs

	for fs in xfs btrfs vfat; do
		with_volume "fs-$fs" "" size=320 "fsType=$fs" label=FSLABEL
		systemctl start "install-microvm@fs-$fs"
		assert_eq type "$(blkid -o value -s TYPE "/var/lib/microvms/fs-$fs/data.img")" "$fs"
		assert_eq label "$(blkid -o value -s LABEL "/var/lib/microvms/fs-$fs/data.img")" FSLABEL
		systemctl stop "install-microvm@fs-$fs"
	done
}

test_qcow2_and_direct_and_a_serial_of_its_own() {
	printf '[volume q]\nsize=64\nimageType=qcow2\nfsType=none\nserial=my,serial\n[volume d]\nsize=32\ndirect=yes\n' | conf kinds
	reload
	start kinds
	guest_says kinds "disk vda serial=my,serial size=67108864"
	guest_says kinds "disk vdb serial=d size=33554432"
	stop kinds
	assert_match "$(qemu-img info /var/lib/microvms/kinds/q.img)" "file format: qcow2"
}

test_the_state_folder_follows_the_user() {
	local before

	before=$(stat -c %u /var/lib/microvms/disk)
	# As after a boot in which the user got another number, with a file of root's among them.
	chown -R 61999:61999 /var/lib/microvms/disk
	touch /var/lib/microvms/disk/of-root
	start disk
	assert_eq "folder" "$(stat -c %u /var/lib/microvms/disk)" "$(stat -c %u "/proc/$(main_pid disk)")"
	assert_eq "image" "$(stat -c %u "$image")" "$(stat -c %u "/proc/$(main_pid disk)")"
	assert_eq "root's file" "$(stat -c %u /var/lib/microvms/disk/of-root)" 0
	assert_eq "mode" "$(stat -c %a /var/lib/microvms)" 700
	stop disk
	assert_fails [ "$before" = 61999 ]
}

test_a_state_folder_elsewhere() {
	mkdir -p "/srv/vm s"
	with_volume else test.write=data:x size=64
	sed -i 's,^mem=.*,&\nstateDir=/srv/vm s/of %i,' /etc/microvm/else.conf
	reload
	start else
	guest_says else "wrote x"
	stop else
	assert_eq type "$(blkid -o value -s TYPE "/srv/vm s/of else/data.img")" ext4
}

test_odd_paths_reach_the_hypervisor() {
	mkdir -p "/srv/odd, dir;%d:x \$HOME"
	with_volume odd test.write=data:x 'image=/srv/odd, dir;%%d:x $HOME/im,age\é.img' size=64
	start odd
	guest_says odd "wrote x"
	stop odd
	no_leftovers odd
}

test_a_killed_hypervisor_leaves_its_volume_usable() {
	with_volume hurt test.write=data:x size=64
	start hurt
	guest_says hurt ready
	journal_mark
	kill -KILL "$(main_pid hurt)"
	guest_says hurt ready
	stop hurt
	e2fsck -fn /var/lib/microvms/hurt/data.img
	no_leftovers hurt
}
