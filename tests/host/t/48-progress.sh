# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# A start that takes long says how far it is: to systemd, and to who waits for it at a terminal.

tree=/srv/tree
gates=/srv/gates

tree_conf() { # NAME [LINE OF [root]...]
	conf "$1" <<<"$(printf '%s\n' autostart=yes '[root]' "source=$tree" "${@:2}")"
}

status_of() { property "install-microvm@$1" StatusText; } # NAME

status_says() { [[ $(status_of "$1") = *"$2"* ]]; } # NAME TEXT

# Each status once, until it has started.
statuses_of_start() { # NAME
	local job

	start "$1" &
	job=$!
	while kill -0 "$job" 2>/dev/null; do
		status_of "$1"
	done | uniq
	wait "$job"
}

# From little to much, in /tmp/statuses; and at the end there is nothing more to say.
assert_rises() { # NAME PATTERN, with the number in ()
	local numbers

	numbers=$(sed -nE "s/$2/\1/p" /tmp/statuses)
	[ "$(wc -w <<<"$numbers")" -ge 2 ] || fail "not two numbers: $(cat /tmp/statuses)" || return
	assert_eq 'the order' "$(sort -nu <<<"$numbers" | paste -s -d ' ')" "$(paste -s -d ' ' <<<"$numbers")" || return
	assert_eq 'status at the end' "$(status_of "$1")" ''
}

# slow_maker PROGRAM <<EOF: what install-microvm finds in its place, with /srv/slow/PROGRAM first in $PATH.
slow_maker() {
	local drop_in=/run/systemd/system/install-microvm@.service.d

	mkdir -p /srv/slow $drop_in
	cat >"/srv/slow/$1"
	chmod 755 "/srv/slow/$1"
	# What strace needs.
	printf '[Service]\n%s\n' Environment=PATH=/srv/slow:/usr/bin:/usr/sbin SystemCallFilter=@debug >$drop_in/slow.conf
}

# The program itself, with no disk to be waited for: each of its reads takes a while.
slow_reader() { # PROGRAM
	slow_maker "$1" <<-EOF
		#!/bin/sh
		exec strace -D -f -qq -o /dev/null -e trace=read,pread64 -e inject=read,pread64:delay_enter=30000 /usr/bin/$1 "\$@"
	EOF
}

# Small files, which every version of the programs reads one by one.
make_files() {
	local i

	rm -rf "$tree"
	mkdir -p "$tree"
	for i in {1..40}; do head -c 4096 /dev/urandom >"$tree/$i"; done
}

rises_while() { # TYPE
	tree_conf real "type=$1"
	reload
	statuses_of_start real >/tmp/statuses
	assert_rises real "^\[root\] making the $1 image: ([0-9]+) % of 1 MiB read$"
	microvm power real kill
}

test_status_rises_while_an_image_is_made() {
	make_files
	slow_reader mkfs.erofs
	slow_reader mksquashfs
	rises_while erofs
	rises_while squashfs
}

# In its place one whose looks at files take a while.
test_status_counts_the_files_that_are_compared() {
	local helper=/usr/lib/microvm/install-microvm

	cp $helper /srv/slow/real
	slow_maker install-microvm <<-"EOF"
		#!/bin/sh
		exec strace -D -qq -o /dev/null -e trace=newfstatat -e inject=newfstatat:delay_enter=20000 /srv/slow/real "$@"
	EOF
	mount --bind /srv/slow/install-microvm $helper
	statuses_of_start real >/tmp/statuses
	umount $helper
	assert_rises real '^\[root\] looking for what has changed: ([0-9]+) files so far$'
	assert_fails grep making /tmp/statuses
	microvm power real kill
	rm /etc/microvm/real.conf
}

test_status_tells_of_a_volume_that_is_made() {
	close_gates
	slow_maker mkfs.ext4 <<-EOF
		#!/bin/sh
		until [ -e $gates/1 ]; do sleep 0.1; done
		exec /usr/sbin/mkfs.ext4 "\$@"
	EOF
	conf disk <<<$'[volume data]\nsize=16'
	reload
	systemctl start --no-block microvm@disk
	wait_until 30 status_says disk 'volume data: making /var/lib/microvms/disk/'
	touch $gates/1
	wait_until 60 is_state disk active
	assert_eq 'status at the end' "$(status_of disk)" ''
	microvm power disk kill
	rm /etc/microvm/disk.conf
}

# Reads 25 MiB of the tree, waits, reads 50 more, waits, and goes on as what it stands for.
make_gates() {
	rm -rf "$tree"
	mkdir -p "$tree"
	truncate -s 100M "$tree/file"
	slow_maker mkfs.erofs <<-EOF
		#!/bin/sh
		exec 4<$tree/file
		head -c 25M <&4 >/dev/null
		until [ -e $gates/1 ]; do sleep 0.1; done
		head -c 50M <&4 >/dev/null
		until [ -e $gates/2 ]; do sleep 0.1; done
		exec /usr/bin/mkfs.erofs "\$@"
	EOF
	close_gates
}

close_gates() { rm -rf $gates; mkdir $gates; }

at_terminal() { TERM=xterm "$test_files/host/terminal.py" "$@"; } # STEP... -- COMMAND...

# There was a line, and behind the last erasure is none.
assert_erased() { # OUTPUT
	[[ $1 = *' s)'*$'\r\r\e[K'* ]] || fail "none was there: $1" || return
	[[ ${1##*$'\r\e[K'} != *' s)'* ]] || fail "still there: ${1##*$'\r\e[K'}"
}

test_run_shows_it_until_the_guest_speaks() {
	local out

	make_gates
	tree_conf slow
	reload
	at_terminal --expect 'slow: [root] making the erofs image: 25 % of 100 MiB read (' --run "touch $gates/1" \
		--expect ': 75 % of' --run "touch $gates/2" --expect 'guest: ready' --type $'\x1d' --expect 'guest: bye' \
		--modes-kept -- microvm run slow >/tmp/out
	out=$(cat /tmp/out)
	assert_erased "${out%%guest: ready*}"
	no_leftovers slow
}

# The terminal comes last, so whoever shows something after a while has done it by then.
test_apply_shows_it_to_a_terminal_alone() {
	local others=() out

	close_gates
	rm /etc/microvm/slow.conf
	tree_conf one
	tree_conf two
	TERM=xterm microvm apply >/tmp/out.file 2>&1 &
	others+=($!)
	wait_until 30 status_says one ': 25 % of '
	TERM=dumb "$test_files/host/terminal.py" -- microvm apply >/tmp/out.dumb &
	others+=($!)
	wait_until 30 grep -q one /tmp/out.dumb
	at_terminal --expect 'one: [root] making the erofs image: 25 % of 100 MiB read (' --expect ' and 1 more' \
		--run "touch $gates/1 $gates/2" -- microvm apply >/tmp/out.terminal
	wait "${others[0]}"
	wait "${others[1]}"
	out=$(cat /tmp/out.terminal)
	assert_erased "$out"
	assert_fails grep -F 'MiB read' /tmp/out.file /tmp/out.dumb
	microvm power one kill
	microvm power two kill
}

test_interrupt_takes_the_line_away() {
	close_gates
	touch "$tree/another"
	systemctl reset-failed 'microvm@*'
	tree_conf three
	assert_fails at_terminal --expect 'three: [root] making the erofs image: 25 %' --signal INT -- microvm apply >/tmp/out
	assert_erased "$(cat /tmp/out)"
	touch $gates/1 $gates/2
	wait_until 60 is_state three active
	microvm power three kill
	rm -r /run/systemd/system/install-microvm@.service.d /srv/slow $gates "$tree"
}
