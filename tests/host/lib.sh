# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# What the tests in t/ stand on. They run inside a disposable host, as root; each test_* function is one test, in the
# order of the file, with `set -e`: the first command that fails ends it. Its output is shown if it fails.
#
#   skip REASON      ends a test that cannot be run here
#   then_reboot      as the last command of a test: it passes, the host reboots, the file goes on with its next test
#
# Between two files everything that is named microvm is stopped and removed; between the tests of one file nothing is.

test_files=/usr/lib/microvm-test
kernel=$test_files/vmlinux
initrd=$test_files/initrd
# Without KVM a kernel cannot trust the clock to find its own speed; self-tests take most of a boot.
kernel_params='cryptomgr.notests tsc_early_khz=2000000 panic=-1 reboot=t quiet'

# conf NAME [WORD...] <<EOF: writes /etc/microvm/NAME.conf with kernel, initrd, kernelParams, 256 MiB of memory, and then
# standard input, which goes on in [microvm] before it opens sections of its own. The WORDs are for the guest (test.do=…).
conf() {
	mkdir -p /etc/microvm
	{
		printf '[microvm]\nkernel=%s\ninitrdPath=%s\nkernelParams=%s\nmem=256\n' \
			"$kernel" "$initrd" "$kernel_params ${*:2}"
		[ -t 0 ] || cat
	} >"/etc/microvm/$1.conf"
}

# raw_conf NAME <<EOF: exactly what is given
raw_conf() {
	mkdir -p /etc/microvm
	cat >"/etc/microvm/$1.conf"
}

reload() { systemctl daemon-reload; }
start() { systemctl start "${@/#/microvm@}"; }

# systemctl waits for the MicroVM alone, not for what is bound to it and stopped with it.
stop() { # NAME...
	local status=0

	systemctl stop "${@/#/microvm@}" || status=$?
	wait_until 20 nothing_is_stopping
	return "$status"
}

nothing_is_stopping() { ! systemctl list-jobs --no-legend '*microvm*' | grep -w stop >/dev/null; }

restart() { systemctl restart "${@/#/microvm@}"; }

# up NAME [WORD...] <<EOF: conf, reload, start, and the guest is through with its words.
up() {
	conf "$@"
	reload
	start "$1"
	guest_says "$1" ready
}

property() { systemctl show --value -p "$2" "$1"; } # UNIT PROPERTY
state() { property "microvm@$1" ActiveState; }       # NAME
main_pid() { property "microvm@$1" MainPID; }        # NAME

fail() {
	echo "$*" >&2
	return 1
}

skip() {
	echo "$*" >"$skip_reason"
	exit 77
}

then_reboot() { exit 88; }

assert_eq() { # WHAT IS EXPECTED
	[ "$2" = "$3" ] || fail "$1 is '$2', expected '$3'"
}

assert_fails() { # COMMAND...
	if "$@"; then fail "succeeded, and should not have: $*"; fi
}

assert_match() { # TEXT PATTERN (extended regular expression)
	grep -qE -e "$2" <<<"$1" || fail "no '$2' in: $1"
}

wait_until() { # SECONDS COMMAND...
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))

	until "${@:2}" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt "$end" ] || fail "not within $1 s: ${*:2}" || return
		sleep 0.1
	done
}

# The journal of a unit in this test: what was logged before it began does not count.
journal() { # UNIT
	journalctl --sync
	journalctl -b -q -o cat --no-pager ${journal_began:+--since="$journal_began"} -u "$1"
}

journal_has() { # UNIT PATTERN
	journal "$1" | grep -E -e "$2" >/dev/null # not -q: journalctl would fail of a broken pipe
}

# From here on journal_has looks for new lines only. (Behind a cursor of another unit systemd 252 loses the first line.)
journal_mark() {
	journalctl --sync
	journal_began=@$EPOCHREALTIME
}

# Waits for a line as it comes: who looked for it again and again would take from the guest what it boots with.
# shellcheck disable=SC2016
journal_gets() { # SECONDS UNIT PATTERN
	timeout "$1" bash -c 'exec {lines}< <(exec journalctl -b -q -o cat --no-pager --follow --no-tail "${@:2}")
		grep -m 1 -E -e "$1" <&"$lines" >/dev/null; found=$?; kill $!; exit $found' - \
		"$3" ${journal_began:+--since="$journal_began"} -u "$2"
}

# Who does not run, and is not about to, will say nothing more.
guest_says() { # NAME PATTERN [SECONDS]
	local i

	for ((i = 0; i < ${3:-60}; i += 10)); do
		! journal_gets 10 "microvm@$1.service" "guest: $2" || return 0
		! is_over "$1" || break
	done
	journal_has "microvm@$1.service" "guest: $2" || fail "$1 is $(state "$1") and has not said: $2"
}

is_over() { # NAME
	[[ $(state "$1") =~ ^(inactive|failed)$ ]] && [[ $(property "microvm@$1" Job) =~ ^0?$ ]]
}

is_state() { [ "$(state "$1")" = "$2" ]; } # NAME STATE

# A node that can be opened is all that stand-ins for hypervisors want of KVM.
make_kvm_node() {
	[ ! -c /dev/kvm ] || skip 'the host has one'
	mknod -m 660 /dev/kvm c 1 3 || skip 'no nodes can be made here'
	chgrp kvm /dev/kvm
	: >/srv/kvm-is-ours
}

# /srv/bin/HYPERVISOR with the guest's vsock behind a Unix socket, and /srv/vmlinux for it.
make_vsock_stand_in() { # HYPERVISOR
	[ -c /dev/kvm ] || skip 'no /dev/kvm'
	mkdir -p /srv/bin
	ln -sf /usr/lib/microvm-test/host/stand-in-vsock.py "/srv/bin/$1"
	printf '\177ELF%0600d' 0 >/srv/vmlinux
}

remove_kvm_node() { [ ! -e /srv/kvm-is-ours ] || rm /dev/kvm /srv/kvm-is-ours; }

# Nothing stays of a MicroVM that was stopped: no unit, process, runtime folder, interface, lock. A stop returns a
# moment before what prepared it has ended.
no_leftovers() { wait_until 10 nothing_is_left_of "$1" 2>/dev/null || nothing_is_left_of "$1"; } # NAME

nothing_is_left_of() { # NAME
	local units locked

	units=$(systemctl list-units --plain --no-legend --state=active,activating,deactivating \
		"microvm@$1.service" "microvm-*@$1.service" "microvm-virtiofsd@$1:*")
	[ -z "$units" ] || fail "still active: $units" || return
	! pgrep -a -f "(microvm@$1( |\$)|guest=$1[, ])" || fail "processes of $1 are left" || return
	[ ! -e "/run/microvm/$1" ] || fail "left in /run/microvm/$1: $(ls -lA "/run/microvm/$1")" || return
	locked=$(locks_under "/var/lib/microvms/$1")
	[ -z "$locked" ] || fail "locked: $locked" || return
	no_interfaces
}

nobody_let_in() { ! getfacl -pn "$1" | grep '^user:[0-9]' >/dev/null; } # FILE

# The host has no network but its own loopback, so any other interface is a MicroVM's.
no_interfaces() {
	local links

	links=$(ip -o link | awk -F ': ' '$2 !~ /^(lo|sit0|tunl0|ip6tnl0|gre0|gretap0|erspan0|ip_vti0|ip6_vti0|ip6gre0)(@|$)/ { print $2 }')
	[ -z "$links" ] || fail "interfaces are left: $links"
}

# A container has no devtmpfs of its own: here is one that is slow.
make_nodes() {
	cat >/run/make-nodes <<-"EOF"
		while sleep 0.2; do
			for tap in /sys/class/macvtap/tap*; do
				[ ! -e "$tap/dev" ] || [ -e "/dev/${tap##*/}" ] ||
					mknod -m 600 "/dev/${tap##*/}" c $(tr : " " <"$tap/dev")
			done
			for node in /dev/tap*; do
				[ -e "/sys/class/macvtap/${node##*/}" ] || rm -f "$node"
			done
		done
	EOF
	systemd-run --quiet --unit=make-nodes bash /run/make-nodes
}

# A container has no device units, as long as it cannot write to /sys.
have_udev() {
	make_nodes
	mount -o remount,rw /sys
	systemctl start systemd-udevd
	systemctl daemon-reexec
}

end_udev() {
	systemctl stop make-nodes systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-udevd
	rm -f /dev/tap*
	mount -o remount,ro /sys
	systemctl daemon-reexec
}

locks_under() { # FOLDER
	local file

	[ -d "$1" ] || return 0
	find "$1" -type f -print0 | while IFS= read -r -d '' file; do
		flock --nonblock "$file" true || echo "$file"
	done
}

# What `microvm@NAME` is for the kernel and PID 1, gone without a trace, files too.
clean_host() {
	systemctl stop 'microvm*' 'install-microvm*' 2>/dev/null || true
	rm -rf /etc/microvm /etc/microvm.conf /run/microvm/*.conf
	# The folder itself is made at boot.
	[ ! -d /var/lib/microvms ] || find /var/lib/microvms -mindepth 1 -delete
	find /etc/systemd/system \( -name 'microvm@*' -o -name 'microvm-*@*' \) -exec rm -rf {} + 2>/dev/null || true
	systemctl daemon-reload
	systemctl reset-failed 2>/dev/null || true
}
