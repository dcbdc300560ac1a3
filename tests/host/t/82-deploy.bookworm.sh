# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2016
# Beside another host, "other": MicroVMs that are configured here run there. What is sent is what rsync itself counts.

deployed=/var/lib/microvm-deployed
library='/srv/odd [*] 100% of ü; #1.img'

there() { ssh -o BatchMode=yes other "$@" </dev/null; }
there_is() { there "$1" >/dev/null; }
state_there() { there "systemctl show --value -p ActiveState microvm@$1"; } # NAME
pid_there() { there "systemctl show --value -p MainPID microvm@$1"; }
versions_there() { there "ls $deployed/$1" | grep -cE '^[0-9a-f]{16}$'; }
version_there() { there "sed -n '1s/^# Version \([0-9a-f]*\),.*/\1/p' /etc/microvm/$1.conf"; }
says_there() { wait_until 90 there_is "journalctl -b -q -o cat -u microvm@$1 | grep 'guest: $2'"; } # NAME TEXT
memory_there() { there "tr '\\0' ' ' </proc/$(pid_there "$1")/cmdline" | grep -oE -- '-m (size=)?[0-9]+' | grep -oE '[0-9]+'; }

logins_there() { there 'journalctl --sync; journalctl -b -q -u ssh | grep -c Accepted'; }

# says STATUS PATTERN COMMAND...: how it ends, and what it says of it
says() {
	local said status=0

	said=$("${@:3}" 2>&1 </dev/null) || status=$?
	assert_eq "status of ${*:3}, which says: $said" "$status" "$1"
	assert_match "$said" "$2"
}

# A disk that holds what the guest reads.
disk() { # FILE TEXT
	rm -rf /run/disk
	mkdir -p /run/disk "$(dirname "$1")"
	echo "$2" >/run/disk/log
	rm -f "$1"
	truncate -s 8M "$1"
	mke2fs -q -t ext4 -d /run/disk "$1"
}

web_conf() { # MEMORY [LINE OF [microvm]...]
	raw_conf web <<-EOF
		[microvm]
		kernel = /srv/the kernel %%i
		initrdPath = /srv/initrd link
		kernelParams = $kernel_params test.read=library test.read=data test.read=kept test.write=data:there
		mem = 100
		$(printf '%s\n' "${@:2}")
		[volume library]
		image = ${library//%/%%}
		readOnly = yes
		[volume data]
		image = /srv/disks/data.img
		[volume kept]
		size = 8
	EOF
	mkdir -p /etc/microvm/web.conf.d
	printf '[microvm]\nmem = %s\n' "$1" >/etc/microvm/web.conf.d/mem.conf
}

# From now on the rsync of here is one that counts.
count_rsync() {
	printf '#!/bin/sh\nexec /usr/bin/rsync --stats "$@" >>/srv/counted\n' >/usr/local/bin/rsync
	chmod 755 /usr/local/bin/rsync
	: >/srv/counted
}

counted() { awk -v what="$1" 'index($0, what) == 1 { gsub(/[^0-9]/, ""); sum += $0 } END { print sum + 0 }' /srv/counted; }

test_what_is_missing_is_told() {
	cp "$kernel" '/srv/the kernel %i'
	ln -sf "$initrd" '/srv/initrd link'
	web_conf 256
	says 1 '\[volume library\] image: /srv/odd .*\.img No such file' microvm deploy other web
	disk "$library" 'the first edition'
	disk /srv/disks/data.img 'from here'
	disk /var/lib/microvms/web/kept.img 'kept here'
	says 1 'Could not resolve hostname nowhere.invalid' microvm deploy nowhere.invalid web
	says 2 "'-oProxyCommand=x' is no host" microvm deploy -- -oProxyCommand=x web
	says 1 'ssh is not installed \(Debian.s package openssh-client has it\)' env PATH=/nowhere "$(command -v microvm)" deploy other web
	there 'mv /usr/bin/rsync /usr/bin/rsync.off'
	says 1 'microvm on .*: rsync is not installed \(Debian.s package rsync has it\)' microvm deploy other web
	there 'mv /usr/bin/rsync.off /usr/bin/rsync; mv /usr/bin/microvm /usr/bin/microvm.off'
	says 1 'other has no microvm \(the package' microvm deploy other web
	there 'mv /usr/bin/microvm.off /usr/bin/microvm'
	there_is "[ ! -e /etc/microvm/web.conf ] && [ -z \"\$(ls $deployed/web)\" ]"
}

test_the_first_deploy_starts_nothing() {
	local before

	before=$(logins_there)
	says 0 '^web +new +- +no autostart' microvm deploy other web
	# This question is one more.
	assert_eq 'logins' "$(logins_there)" $((before + 2))
	assert_eq state "$(state_there web)" inactive
	there 'microvm check'
	there 'microvm list --no-legend' | grep -E '^web +stopped +qemu +1 +256M'
	assert_eq 'what is there' "$(there "ls $deployed/web")" "$(version_there web)"
	assert_eq 'the disk that it writes to' "$(there 'sha256sum </srv/disks/data.img')" "$(sha256sum </srv/disks/data.img)"
	assert_eq 'the conf' "$(there 'stat -c "%F %a %U" /etc/microvm/web.conf')" 'regular file 644 root'
}

test_it_runs_from_what_was_deployed() {
	there 'systemctl start microvm@web'
	says_there web ready
	says_there web 'read the first edition'
	says_there web 'read from here'
	says_there web 'read kept here'
	assert_match "$(there "tr '\\0' '\\n' </proc/$(pid_there web)/cmdline")" \
		"^$deployed/web/$(version_there web)/files/srv/the kernel %i\$"
}

test_the_same_again_changes_nothing() {
	local pid version

	pid=$(pid_there web) version=$(version_there web)
	count_rsync
	says 0 '^web +unchanged +-' microvm deploy --restart other web
	assert_eq process "$(pid_there web)" "$pid"
	assert_eq version "$(version_there web)" "$version"
	assert_eq 'calls of rsync' "$(cat /srv/counted)" ''
}

test_a_changed_conf_sends_nothing_else() {
	local pid

	pid=$(pid_there web)
	disk /srv/disks/data.img 'another, which is never sent'
	count_rsync
	web_conf 300
	says 0 '^web +changed +- +stale until it is restarted' microvm deploy other web
	assert_eq 'bytes of files' "$(counted 'Total transferred file size:')" 0
	[ "$(counted 'Total bytes sent:')" -lt 5000 ] || fail "sent: $(cat /srv/counted)"
	assert_eq process "$(pid_there web)" "$pid"
	there 'microvm list --no-legend' | grep -E '^web .* stale'
	assert_eq 'copies of the kernel' "$(there "stat -c %i $deployed/web/*/files/srv/the* | sort -u | wc -l")" 1
}

test_restart_is_asked_for() {
	local pid

	pid=$(pid_there web)
	says 0 '^web +changed +restart' microvm deploy -R other web
	assert_fails [ "$(pid_there web)" = "$pid" ]
	assert_eq memory "$(memory_there web)" 300
	# Not one of here: the guest has written to its own.
	says_there web 'read there'
}

test_rollback_there_and_forward_again() {
	says 0 '^web +changed +- +stale' there 'microvm rollback web'
	assert_eq memory "$(memory_there web)" 300
	says 0 '^web +unchanged' there 'microvm rollback web'
	says 0 '^web +changed +restart' there 'microvm rollback --restart web'
	assert_eq memory "$(memory_there web)" 256
	assert_eq versions "$(versions_there web)" 2
}

test_only_what_changed_is_sent() {
	disk "$library" 'the second edition'
	count_rsync
	web_conf 256 'restartIfChanged = yes'
	says 0 '^web +changed +restart' microvm deploy other web
	assert_eq 'files' "$(counted 'Number of regular files transferred:')" 1
	says_there web 'read the second edition'
	assert_eq 'versions that are kept' "$(versions_there web)" 2
	rm /usr/local/bin/rsync
}

picture() { there "ls $deployed/web; cat /etc/microvm/web.conf; systemctl show -p MainPID microvm@web"; }

as_before() { assert_eq 'what is there' "$(picture)" "$1"; } # PICTURE

test_a_check_that_fails_there_leaves_all_as_it_was() {
	local before

	there "printf '[microvm]\nkernel=$kernel\n[interface clash]\ntype=tap\n' >/etc/microvm/first.conf"
	before=$(picture)
	web_conf 256
	printf '[interface clash]\ntype=tap\n' >>/etc/microvm/web.conf
	microvm check
	says 1 "microvm on .*: /etc/microvm/web.conf:[0-9]+: \[interface clash\].*first" microvm deploy -R other web
	as_before "$before"
	echo nonsense >>/etc/microvm/web.conf
	says 1 "microvm: /etc/microvm/web.conf:[0-9]+: not a comment" microvm deploy other web
	as_before "$before"
	there 'rm /etc/microvm/first.conf'
}

test_nothing_is_overwritten_that_was_not_deployed() {
	local before

	web_conf 270
	there 'cp /etc/microvm/web.conf /run/kept.conf; echo "# mine" >>/etc/microvm/web.conf'
	before=$(picture)
	says 1 'web.conf was not written by microvm deploy, or was changed since; .*/web.conf.d' microvm deploy other web
	says 1 'is not as it was deployed' there 'microvm rollback web'
	as_before "$before"
	there 'mv /run/kept.conf /etc/microvm/web.conf'
	there 'cp /etc/microvm/web.conf /usr/lib/microvm/own.conf'
	conf own </dev/null
	says 1 'own is configured here already, by /usr/lib/microvm/own.conf' microvm deploy other own
	there 'rm /usr/lib/microvm/own.conf; ln -s /dev/null /etc/microvm/own.conf'
	says 1 'own is masked here' microvm deploy other own
	there 'rm /etc/microvm/own.conf'
	rm /etc/microvm/own.conf
}

test_what_is_the_hosts_own_stays() {
	there 'mkdir -p /etc/microvm/web.conf.d; printf "[microvm]\nvcpu = 2\n" >/etc/microvm/web.conf.d/own.conf'
	web_conf 280
	echo mem=100 | sed '1i [microvm]' >/etc/microvm.conf
	says 0 '^web +changed' microvm deploy other web
	web_conf 281
	says 0 '^web +changed' microvm deploy other web
	assert_eq 'versions, with the one that runs' "$(versions_there web)" 3
	there "[ -e '$(there "tr '\\0' '\\n' </proc/$(pid_there web)/cmdline" | grep "^$deployed.*/the kernel")' ]"
	rm /etc/microvm.conf
	there 'microvm list --no-legend --json' | jq -e '.[] | select(.name == "web") | .stale'
	there 'microvm cat web' | grep -A 1 own.conf | grep 'vcpu = 2'
	there 'rm -r /etc/microvm/web.conf.d; ! [ -e /etc/microvm.conf ]'
}

# The rsync of here does this instead of its work.
instead_of_rsync() { # SCRIPT
	printf '#!/bin/sh\n%s\n' "$1" >/usr/local/bin/rsync
	chmod 755 /usr/local/bin/rsync
}

test_an_interrupted_deploy_leaves_nothing() {
	local before how

	web_conf 290
	disk "$library" 'the third edition'
	before=$(picture)
	# Half a file is there when it happens.
	for how in 'kill -TERM $PPID; exec sleep 300' 'kill -KILL $PPID' 'exit 23'; do
		instead_of_rsync "ssh other 'mkdir -p $deployed/web/incoming/files/srv; echo half >$deployed/web/incoming/files/srv/half'; $how"
		assert_fails microvm deploy -R other web
		wait_until 30 there_is "[ ! -e $deployed/web/incoming ]"
		as_before "$before"
	done
	rm /usr/local/bin/rsync
	assert_eq 'what is left here' "$(find /tmp -maxdepth 1 -name 'microvm-deploy-*' | wc -l)" 1
	rm -rf /tmp/microvm-deploy-*
	# As a host that crashed would have left it.
	there "mkdir -p $deployed/web/incoming/files/srv; touch $deployed/web/incoming/files/srv/half"
	says 0 '^web +changed +restart' microvm deploy -R other web
	there_is "[ ! -e $deployed/web/incoming ] && [ ! -e $deployed/web/\$(cat /etc/microvm/web.conf | sed -n '1s/^# Version //; 1s/,.*//p')/files/srv/half ]"
	says_there web 'read the third edition'
}

test_two_at_once_are_refused() {
	there "flock --no-fork $deployed/web sleep 300 >/dev/null 2>&1 & echo \$! >/run/holder"
	wait_until 10 there_is "! flock --nonblock $deployed/web true"
	says 1 'somebody else deploys web' microvm deploy other web
	there 'kill "$(cat /run/holder)"'
}

test_a_disk_that_is_in_use_here_is_not_sent() {
	# Over there, on another disk than what is deployed.
	there 'mkdir -p /srv/far; mount -t tmpfs tmpfs /srv/far'
	disk /srv/far/sub/busy.img 'busy'
	up busy <<-EOF
		[volume data]
		image=/srv/far/sub/busy.img
	EOF
	says 1 '\[volume data\]: /srv/far/sub/busy.img is not there yet, and the one here is in use' microvm deploy other busy
	there_is '[ ! -e /etc/microvm/busy.conf ] && [ -z "$(ls /srv/far)" ]'
	stop busy
	says 0 'busy: /srv/far/sub/busy.img is new' microvm deploy other busy
	assert_eq 'the disk' "$(there 'cd /srv/far && find . -type f; sha256sum <sub/busy.img')" \
		"$(cd /srv/far && find . -type f; sha256sum <sub/busy.img)"
	there 'rm /srv/far/sub/busy.img'
	says 0 '^busy +unchanged' microvm deploy other busy
	there_is '[ -e /srv/far/sub/busy.img ]'
}

make_tree() {
	mkdir -p /srv/tree/{etc,empty,mounted} '/srv/tree/odd (*%'
	echo one >/srv/tree/etc/one
	ln /srv/tree/etc/one /srv/tree/etc/same
	ln -s ../../etc/shadow '/srv/tree/odd (*%/link'
	cp /bin/true /srv/tree/setuid
	chmod 4711 /srv/tree/setuid
	chown 1234:5678 /srv/tree/empty
	setfacl -m u:1234:rx /srv/tree/etc
	mount -t tmpfs tmpfs /srv/tree/mounted
	touch /srv/tree/mounted/not-of-the-tree
}

listing='find . -not -path "./mounted*" -printf "%p %M %n %U:%G %s %l\n" | sort; getfacl -pn etc etc/one'

test_a_tree_is_sent_as_it_is() {
	local files

	make_tree
	conf tree <<-EOF
		[root]
		source=/srv/tree
	EOF
	says 0 '^tree +new' microvm deploy other tree
	files=$deployed/tree/$(version_there tree)/files/srv/tree
	assert_eq tree "$(there "cd $files; $listing")" "$(cd /srv/tree && eval "$listing")"
	there_is "[ ! -e $files/mounted/not-of-the-tree ]"
	there 'systemctl start microvm@tree'
	there 'dump.erofs --path=/etc/one /var/lib/microvms/tree/root.image' | grep 'Links: 2'
	echo two >/srv/tree/etc/two
	count_rsync
	says 0 '^tree +changed' microvm deploy other tree
	rm /usr/local/bin/rsync
	assert_eq files "$(counted 'Number of regular files transferred:')" 1
	umount /srv/tree/mounted
	there 'systemctl stop microvm@tree'
	conf host <<<$'[root]\nsource=/'
	says 1 "\[root\] source: / is this host's own system" microvm deploy other host
	rm /etc/microvm/host.conf
}

test_secrets_and_shares() {
	mkdir -p /srv/shared
	echo shared >/srv/shared/file
	echo from-a-file >/srv/secret
	chmod 600 /srv/secret
	conf secret <<-EOF
		[credential one]
		value=very-secret
		[credential two]
		path=/srv/secret
		[share files]
		source=/srv/shared
		readOnly=yes
	EOF
	chmod 600 /etc/microvm/secret.conf
	microvm deploy other secret
	assert_eq modes "$(there "stat -c %a /etc/microvm/secret.conf $deployed/secret/*/secret.conf $deployed/secret/*/files/srv/secret")" $'600\n600\n600'
	there_is '[ ! -e /srv/shared/file ]'
	there 'microvm cat secret' | grep -x 'source = /srv/shared'
	microvm deploy --shares other secret
	there "cat $deployed/secret/$(version_there secret)/files/srv/shared/file"
	there 'microvm cat secret' | grep -x "source = $deployed/secret/$(version_there secret)/files/srv/shared"
}

test_autostart_starts_there() {
	conf soon <<<'autostart=yes'
	says 0 '^soon +new +start' microvm deploy other soon
	says_there soon ready
	mkdir -p /srv/package/bin
	printf '#!/bin/sh\n' >/srv/package/bin/microvm-run
	chmod 755 /srv/package/bin/microvm-run
	raw_conf packaged <<<$'[microvm]\nrunner=/srv/package'
	says 1 'packaged is a runner package, which is not deployed' microvm deploy other packaged
	rm /etc/microvm/packaged.conf
}

test_progress_is_for_a_terminal() {
	disk "$library" 'the fourth edition'
	says 0 'xfr#1' script -qfec 'microvm deploy other web' /dev/null
	disk "$library" 'the fifth edition'
	assert_fails grep 'xfr#' <(microvm deploy other web)
}

test_what_a_start_over_there_is_at_is_shown_here() {
	local slow='#!/bin/sh\nuntil [ -e /srv/gate ]; do sleep 0.1; done\nexec /usr/bin/mkfs.erofs "$@"\n'

	there "mkdir -p /srv/slow /run/systemd/system/install-microvm@.service.d
		printf '$slow' >/srv/slow/mkfs.erofs
		chmod 755 /srv/slow/mkfs.erofs
		printf '[Service]\nEnvironment=PATH=/srv/slow:/usr/bin\n' >/run/systemd/system/install-microvm@.service.d/slow.conf"
	conf image <<<$'autostart=yes\n[root]\nsource=/srv/tree'
	TERM=xterm "$test_files/host/terminal.py" --expect 'image: [root] making the erofs image: ' \
		--run 'ssh other touch /srv/gate' --expect $'\e[KNAME' -- microvm deploy other image
	there 'rm -r /srv/slow /srv/gate /run/systemd/system/install-microvm@.service.d; microvm power image kill'
}

over_there() { there_is "[ \$(systemctl list-units --no-legend --state=active '*microvm*@$1.service' | wc -l) = 0 ]"; } # NAME

test_purge_takes_what_was_deployed() {
	there 'systemctl stop microvm@web'
	wait_until 30 over_there web
	says 1 'remove /etc/microvm/web.conf first' there 'microvm purge --yes web'
	there 'rm /etc/microvm/web.conf; systemctl daemon-reload'
	there 'microvm list --no-legend' | grep -E '^web .*not configured'
	says 0 "$deployed/web has [0-9]+ files" there 'microvm purge --yes web'
	there_is "[ ! -e $deployed/web ] && [ ! -e /var/lib/microvms/web ] && [ -e /srv/disks/data.img ]"
	says 1 'there is nothing to go back to' there 'microvm rollback web'
}
