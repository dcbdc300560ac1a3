# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# A folder tree as the guest's root: what is made of it and when, with a guest that does not look at it.

small=/srv/small
state=/var/lib/microvms

small_conf() { # [LINE OF [root]...]
	conf small <<<"$(printf '[root]\n%s\n' "source=$small" "$@")"
	reload
}

image_of() { stat -c '%i %y' "$state/$1/root.image"; } # NAME
listing() { stat -c '%n %F %a %u:%g' "$@"; }

make_small() {
	mkdir -p "$small"/{etc,dev,sub} "$small/odd (.[name"
	echo one >"$small/etc/file"
	echo hidden >"$small/etc/shadow"
	chmod 600 "$small/etc/shadow"
	chown 1234:5678 "$small/sub"
	cp /bin/true "$small/sub/tool"
	chmod 4755 "$small/sub/tool"
	ln -s /etc/shadow "$small/link"
	mount -t tmpfs tmpfs "$small/dev"
	touch "$small/dev/null"
}

test_image_is_made_of_the_tree() {
	make_small
	small_conf
	start small
	assert_eq 'who it belongs to' "$(stat -c '%U %a' $state/small/root.image)" "$(stat -c '%U 400' $state/small)"
	assert_eq 'what it is' "$(blkid -o value -s TYPE $state/small/root.image)" erofs
	journal_has install-microvm@small.service 'root.image: made of'
	assert_match "$(tr '\0' '\n' <"/proc/$(main_pid small)/cmdline")" 'root=/dev/disk/by-id/virtio-root rootfstype=erofs ro'
	locks_under $state/small | grep root.image >/dev/null
	stop small
	no_leftovers small
	fsck.erofs "$state/small/root.image"
}

test_owners_modes_and_links_are_those_of_the_tree() {
	dump.erofs --path=/sub $state/small/root.image | grep -E 'Uid: 1234 +Gid: 5678'
	dump.erofs --path=/link $state/small/root.image | grep 'symlink'
	dump.erofs --path=/etc/shadow $state/small/root.image | grep 0600
	# What is mounted in the tree is not of the tree.
	[ -z "$(dump.erofs --path=/dev/null $state/small/root.image | grep File)" ] || fail 'the mount is in the image'
}

test_only_a_changed_tree_is_made_again() {
	local before after

	before=$(image_of small)
	start small
	assert_eq 'the image' "$(image_of small)" "$before"
	stop small
	chmod 640 "$small/etc/file"
	start small
	after=$(image_of small)
	[ "$before" != "$after" ] || fail 'a changed mode made no new image'
	stop small
	small_conf 'erofsFlags=-zlz4hc,12'
	start small
	[ "$(image_of small)" != "$after" ] || fail 'other flags made no new image'
	stop small
}

test_image_that_was_touched_is_made_again() {
	chmod u+w $state/small/root.image
	echo x >>$state/small/root.image
	start small
	fsck.erofs $state/small/root.image
	stop small
}

test_squashfs_takes_its_place() {
	small_conf 'type=squashfs'
	touch "$state/small/.root.image.microvm-new"
	start small
	stop small
	assert_eq 'what it is' "$(blkid -o value -s TYPE $state/small/root.image)" squashfs
	unsquashfs -lln $state/small/root.image | grep -E '1234/5678 .* squashfs-root/sub$'
	unsquashfs -lln $state/small/root.image | grep -E '^-rwsr-xr-x .* squashfs-root/sub/tool$'
	assert_fails grep -q dev/null <(unsquashfs -l $state/small/root.image)
	assert_eq 'what is there' "$(ls -A $state/small | paste -s -d ' ')" 'root.image root.image.digest'
}

test_failures_are_told_and_leave_the_old_image() {
	local before

	before=$(image_of small)
	small_conf 'type=squashfs' 'squashfsFlags=-comp nosuch'
	assert_fails start small
	journal_has install-microvm@small.service 'mksquashfs failed with exit code'
	small_conf 'erofsFlags=--help'
	assert_fails start small
	journal_has install-microvm@small.service 'mkfs.erofs left no file system, not erofs; see erofsFlags'
	mkdir -p /run/systemd/system/install-microvm@small.service.d
	printf '[Service]\nEnvironment=PATH=/nowhere\n' >/run/systemd/system/install-microvm@small.service.d/path.conf
	small_conf
	assert_fails start small
	journal_has install-microvm@small.service "mkfs.erofs is not installed \(Debian's package erofs-utils has it\)"
	rm -r /run/systemd/system/install-microvm@small.service.d
	umount "$small/dev"
	mv "$small" "$small.away"
	reload
	assert_fails start small
	journal_has install-microvm@small.service 'source: /srv/small does not exist'
	assert_eq 'the image' "$(image_of small)" "$before"
	assert_eq 'what is there' "$(ls -A $state/small | paste -s -d ' ')" 'root.image root.image.digest'
	ln -s "$small.away" "$small"
	chown -h 1234 "$small"
	assert_fails start small
	journal_has install-microvm@small.service 'on the way is a link'
	rm -r "$small" "$small.away"
}
