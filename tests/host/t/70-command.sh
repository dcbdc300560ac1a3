# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The command for people, against MicroVMs that run.

row() { microvm list --no-legend | awk -v n="$1" '$1 == n'; } # NAME
item() { microvm list --json | jq -r --arg n "$1" ".[] | select(.name == \$n) | $2"; } # NAME FILTER
# What a terminal shows of it.
on_a_terminal() { script -qfec "$*" /dev/null </dev/null; }

test_an_empty_host_lists_nothing() {
	assert_eq rows "$(microvm list)" "0 MicroVMs."
	assert_eq rows "$(microvm list --no-legend)" ""
	assert_eq json "$(microvm list --json | jq -c .)" "[]"
}

test_list_tells_what_runs_and_what_does_not() {
	ip link add br0 type bridge
	ip address add 10.7.0.1/24 dev br0
	ip link set br0 up
	mkdir -p /srv/shared
	conf web <<-EOT
		preStart=true
		[volume data]
		size=16
		[interface web-0]
		type=tap
		bridge=br0
		mac=02:00:00:00:07:01
		[share files]
		source=/srv/shared
		readOnly=yes
	EOT
	conf idle </dev/null
	conf wrong <<<'nonsense=1'
	conf sorry <<<$'restart=no\n[qemu]\nextraArgs=-nonsense'
	mkdir /var/lib/microvms/old
	reload
	start web
	guest_says web ready
	assert_fails start sorry
	assert_fails start wrong
	assert_match "$(row web)" "^web +running +qemu +1 +256M +[0-9]+s +-$"
	assert_match "$(row idle)" "^idle +stopped +qemu +1 +256M +- +-$"
	assert_match "$(row wrong)" "^wrong +broken conf +- +- +- +- +-$"
	assert_match "$(row sorry)" "^sorry +failed \(.*exit.*\) +qemu"
	assert_match "$(row old)" "^old +stopped +- .* not configured$"
	assert_match "$(microvm list)" "^5 MicroVMs.$"
	assert_match "$(microvm list)" "^NAME +STATE +HYPERVISOR +VCPU +MEM +UPTIME +REMARK$"
}

test_list_is_json_for_programs() {
	assert_eq names "$(microvm list --json | jq -r 'map(.name) | join(" ")')" "idle old sorry web wrong"
	assert_eq state "$(item web .state)" running
	assert_eq mem "$(item web .mem)" $((256 << 20))
	assert_eq stale "$(item web .stale)" false
	assert_match "$(item wrong '.errors[0]')" "/etc/microvm/wrong.conf:6: .*unknown key 'nonsense'"
	assert_eq file "$(item old .file)" null
}

test_colours_and_pager_are_for_a_terminal() {
	assert_fails grep -q $'\033' <(microvm list)
	on_a_terminal env TERM=xterm microvm list --no-pager | grep -q $'\033\\[0;1;32mrunning'
	assert_fails grep -q $'\033' <(on_a_terminal env TERM=xterm NO_COLOR=1 microvm list --no-pager)
	assert_fails grep -q $'\033' <(on_a_terminal env TERM=dumb microvm list --no-pager)
	SYSTEMD_COLORS=1 microvm list | grep -q $'\033'
	on_a_terminal env TERM=xterm "SYSTEMD_PAGER='sed s/^/paged:/'" microvm list | grep -q paged:
	assert_fails grep -q paged: <(SYSTEMD_PAGER='sed s/^/paged:/' microvm list)
	assert_fails grep -q paged: <(on_a_terminal env "SYSTEMD_PAGER='sed s/^/paged:/'" microvm list --no-pager)
}

test_status_shows_all_of_one() {
	local status

	status=$(microvm status web)
	assert_match "$status" "^● web: running for "
	assert_match "$status" "Conf: /etc/microvm/web.conf$"
	assert_match "$status" "Hypervisor: qemu, process $(main_pid web), control socket /run/microvm/web/control.sock"
	assert_match "$status" "Memory: 256M for the guest, [0-9.]+M used on the host"
	assert_match "$status" "CPU: 1 virtual, [0-9]+\.[0-9]{3}s used"
	assert_match "$status" "Interfaces: web-0 tap, guest 02:00:00:00:07:01, up, on br0"
	assert_match "$status" "Volumes: data /var/lib/microvms/web/data.img \(16M, .* on disk\)"
	assert_match "$status" "Shares: files /srv/shared by 9p, read-only"
	assert_match "$status" "microvm@web.service active \(running\)"
	assert_match "$status" "install-microvm@web.service active \(exited\)"
	assert_match "$status" "microvm-tap-interfaces@web.service active \(exited\)"
	assert_match "$status" "guest: ready"
	assert_fails grep -q $'\033' <<<"$status"
	assert_eq "no lines" "$(microvm status --lines=0 web | grep -c guest: || true)" 0
	assert_eq "one line" "$(microvm status -n 1 microvm@web.service | grep -c '^  [A-Z][a-z][a-z] ' || true)" 1
}

test_status_is_for_programs_too() {
	local json

	json=$(microvm status --json -n 3 web)
	assert_eq item "$(jq -c '[.name, .state, .file, .hypervisor, .package, .stale, .errors]' <<<"$json")" \
		'["web","running","/etc/microvm/web.conf","qemu",null,false,[]]'
	assert_eq process "$(jq .pid <<<"$json")" "$(main_pid web)"
	assert_eq socket "$(jq -r .socket <<<"$json")" /run/microvm/web/control.sock
	assert_eq use "$(jq '.memoryUsed > 1000000 and .cpuUsedNSec > 0' <<<"$json")" true
	assert_eq interface "$(jq -c '.interfaces[0] | [.id, .type, .mac, .exists, .up, .bridge]' <<<"$json")" \
		'["web-0","tap","02:00:00:00:07:01",true,true,"br0"]'
	assert_eq volume "$(jq -c '.volumes[0] | [.id, .path, .size, .readOnly, .error]' <<<"$json")" \
		'["data","/var/lib/microvms/web/data.img",16777216,false,null]'
	assert_eq share "$(jq -c '.shares[0]' <<<"$json")" '{"tag":"files","source":"/srv/shared","proto":"9p","readOnly":true}'
	assert_eq unit "$(jq -c '.units[] | select(.name == "microvm@web.service")' <<<"$json")" \
		'{"name":"microvm@web.service","active":"active","sub":"running"}'
	assert_eq lines "$(jq '.console | length' <<<"$json")" 3
	microvm status --json web | jq -e '.console[] | select(.text == "guest: ready") | .usec > 1000000000000000'
	assert_eq stopped "$(microvm status --json idle | jq -c '[.state, .pid, .volumes]' || true)" '["stopped",null,[]]'
	assert_eq broken "$(microvm status --json wrong | jq -r '.errors[0]' | cut -d: -f 1 || true)" /etc/microvm/wrong.conf
}

status_code() {
	local code=0

	microvm status "$@" >/dev/null 2>&1 || code=$?
	echo "$code"
}

test_status_ends_as_systemctl_status_does() {
	assert_eq running "$(status_code web)" 0
	assert_eq stopped "$(status_code idle)" 3
	assert_eq nobody "$(status_code nobody)" 4
	assert_eq "wrong name" "$(status_code ../etc)" 2
	assert_eq "wrong number" "$(status_code -n x web)" 2
	assert_match "$(microvm status wrong || true)" "wrong.conf:6: "
}

test_a_changed_conf_is_stale_before_and_after_the_reload() {
	echo '# only a comment' >>/etc/microvm/web.conf
	echo 'autostart=yes' >/etc/microvm/web.line
	sed -i '2r /etc/microvm/web.line' /etc/microvm/web.conf
	assert_eq "stale by what no restart changes" "$(item web .stale)" false
	# What only a companion is told.
	sed -i 's/^bridge=br0/bridge=br1/' /etc/microvm/web.conf
	assert_eq stale "$(item web .stale)" true
	reload
	assert_match "$(row web)" " stale$"
	assert_match "$(microvm status web)" "stale: it runs with what was configured before"
	sed -i 's/^bridge=br1/bridge=br0/' /etc/microvm/web.conf
	reload
	assert_eq stale "$(item web .stale)" false
}

test_a_removed_conf_and_a_broken_one_are_told() {
	mv /etc/microvm/web.conf /run/web.conf
	reload
	assert_match "$(row web)" "^web +running +qemu +1 +256M .* removed$"
	assert_match "$(microvm status web)" "Conf: gone; it runs as it was started"
	assert_match "$(microvm status web)" "data /var/lib/microvms/web/data.img"
	cp /run/web.conf /etc/microvm/web.conf
	echo 'nonsense' >>/etc/microvm/web.conf
	assert_match "$(row web)" " broken conf$"
	mv /run/web.conf /etc/microvm/web.conf
	reload
}

test_cat_tells_where_each_value_stands() {
	local cat

	mkdir -p /etc/microvm/web.conf.d
	printf '[volume data]\nsize=32\n[microvm]\nkernelParams=more\n' >/etc/microvm/web.conf.d/10-more.conf
	cat=$(microvm cat web)
	assert_match "$(grep -A 1 '^# /etc/microvm/web.conf.d/10-more.conf:2$' <<<"$cat")" "^size = 32$"
	assert_match "$(grep -A 1 '^# /etc/microvm/web.conf.d/10-more.conf:4$' <<<"$cat")" "^kernelParams = more$"
	assert_match "$(grep -A 1 '^# /etc/microvm/web.conf:2$' <<<"$cat")" "^kernel = $kernel$"
	assert_fails grep -q 'size = 16' <<<"$cat"
	# It is itself a file that means the same.
	mkdir -p /run/again
	echo "$cat" >/run/again/web.conf
	assert_eq units "$(microvm check --units /run/again | grep -v /again/ | grep -v MICROVM_MADE)" \
		"$(microvm check --units /etc/microvm/web.conf | grep -v /etc/microvm/ | grep -v MICROVM_MADE)"
	rm -r /etc/microvm/web.conf.d /run/again
	assert_fails microvm cat nobody
	assert_fails microvm cat wrong
}

test_command_is_what_runs() {
	local words

	words=$(microvm command web 2>/dev/null)
	assert_match "$words" "^[^ ]*qemu-system-[^ ]+ \\\\$"
	bash -c "printf '%s\\n' $words" >/run/printed
	tr '\0' '\n' <"/proc/$(main_pid web)/cmdline" >/run/running
	# The process is called after its MicroVM.
	# What is only printed opens no console.
	sed -i -E 's/^fd=[0-9]+,/fd=N,/' /run/printed /run/running
	diff <(tail -n +2 /run/printed) <(tail -n +2 /run/running)
	assert_fails microvm command --config web
	assert_fails microvm command wrong
	conf fire <<<'hypervisor=firecracker'
	sed -i 's/^kernel=.*/kernel=\/bin\/true/' /etc/microvm/fire.conf
	printf '#!/bin/sh\necho Firecracker v1.7.0\n' >/usr/local/bin/firecracker
	chmod 755 /usr/local/bin/firecracker
	assert_eq memory "$(microvm command --config fire | jq '."machine-config".mem_size_mib')" 256
}

over() { [ "$(property "install-microvm@$1" ActiveState)" = inactive ]; } # NAME: what prepared it, too

step() { { microvm apply --dry-run 2>/dev/null || true; } | awk -v n="$1" '$1 == n { print $2, $3 }'; } # NAME

test_apply_plans_before_it_acts() {
	local before

	rm -f /etc/microvm/{fire,sorry}.conf
	systemctl reset-failed
	reload
	conf quiet </dev/null
	up away </dev/null
	rm /etc/microvm/away.conf
	conf fresh <<<'autostart=yes'
	conf also </dev/null
	systemctl enable --quiet --no-reload microvm@also
	sed -i 's/^mem=.*/mem=300/' /etc/microvm/web.conf
	before=$(main_pid web)
	assert_eq fresh "$(step fresh)" "new start"
	assert_eq quiet "$(step quiet)" "unchanged -"
	assert_eq web "$(step web)" "changed -"
	assert_eq away "$(step away)" "removed stop"
	assert_eq wrong "$(step wrong)" "broken -"
	assert_eq idle "$(step idle)" "unchanged -"
	assert_eq old "$(step old)" ""
	sed -i '2a restartIfChanged=yes' /etc/microvm/web.conf
	assert_eq web "$(step web)" "changed restart"
	assert_eq "nothing was done" "$(state fresh) $(state away) $(main_pid web)" "inactive active $before"
}

tap_has_ended() { [ "$(property microvm-tap-interfaces@web ActiveState)" = inactive ]; }

test_apply_reconciles_and_a_broken_conf_costs_nobody_else() {
	local before said

	before=$(main_pid web)
	# A tap that it does not have any more, and a volume that only now is one.
	sed -i '/^\[interface/,/^mac/d' /etc/microvm/web.conf
	said=$(assert_fails microvm apply 2>&1)
	assert_match "$said" "wrong.conf:6: .*unknown key 'nonsense'"
	assert_eq states "$(state fresh) $(state also) $(state quiet) $(state idle)" "active active inactive inactive"
	assert_fails [ "$(main_pid web)" = "$before" ]
	assert_match "$(tr '\0' ' ' <"/proc/$(main_pid web)/cmdline")" " -m (size=)?300M"
	wait_until 10 tap_has_ended
	assert_eq stale "$(item web .stale)" false
	assert_eq away "$(state away)" inactive
	wait_until 10 over away
	guest_says fresh ready
	guest_says also ready
}

test_apply_leaves_what_was_stopped_and_what_may_not_be_restarted() {
	local before

	stop fresh
	before=$(main_pid also)
	sed -i 's/^mem=.*/mem=300/' /etc/microvm/also.conf
	rm /etc/microvm/wrong.conf
	microvm apply
	assert_eq fresh "$(step fresh)" "unchanged -"
	assert_eq "stopped by somebody" "$(state fresh)" inactive
	assert_eq "restartIfChanged=no" "$(main_pid also)" "$before"
	assert_match "$(row also)" " stale$"
	echo nonsense >>/etc/microvm/also.conf
	assert_fails microvm apply
	assert_eq "broken while it runs" "$(main_pid also)" "$before"
	systemctl disable --quiet microvm@also
	rm /etc/microvm/{also,fresh,quiet}.conf
	microvm apply
	wait_until 10 over also
}

applied() { [ "$(property microvm-apply.service ActiveState)" = inactive ]; }

test_files_are_followed_when_that_is_enabled() {
	assert_eq "unless enabled" "$(systemctl is-enabled microvm-apply.path || true)" disabled
	systemctl enable --quiet --now microvm-apply.path
	conf follow <<<'autostart=yes'
	wait_until 20 is_state follow active
	guest_says follow ready
	rm /etc/microvm/follow.conf
	wait_until 30 is_state follow inactive
	assert_match "$(systemd-analyze security --no-pager microvm-apply.service | tail -n 1)" ": [0-4]\.[0-9] "
	systemctl disable --quiet --now microvm-apply.path
	wait_until 60 applied
}

test_purge_refuses_what_is_not_over() {
	assert_match "$(microvm purge --yes web 2>&1 || true)" "microvm@web.service is active"
	stop web
	wait_until 10 over web
	assert_match "$(microvm purge --yes web 2>&1 || true)" "remove /etc/microvm/web.conf first"
	mv /etc/microvm/web.conf /run/web.conf
	reload
	assert_match "$(microvm purge web 2>&1 </dev/null || true)" "has [0-9]+ files and folders, .* on disk"
	assert_match "$(microvm purge web 2>&1 </dev/null || true)" "nobody is here to be asked"
	conf thief <<<$'[volume mine]\nimage=/var/lib/microvms/web/data.img'
	assert_match "$(microvm purge --yes web 2>&1 || true)" 'thief has /var/lib/microvms/web/data.img for its \[volume mine\]'
	rm /etc/microvm/thief.conf
	assert_match "$(flock /var/lib/microvms/web/data.img microvm purge --yes web 2>&1 || true)" "web/data.img is in use"
	mkdir /var/lib/microvms/web/mounted
	mount -t tmpfs tmpfs /var/lib/microvms/web/mounted
	assert_match "$(microvm purge --yes web 2>&1 || true)" "web/mounted: something is mounted there"
	umount /var/lib/microvms/web/mounted
	mount --bind /srv /var/lib/microvms/web/mounted
	assert_match "$(microvm purge --yes web 2>&1 || true)" "web/mounted: something is mounted there"
	umount /var/lib/microvms/web/mounted
	ln -s /srv /var/lib/microvms/linked
	assert_match "$(microvm purge --yes linked 2>&1 || true)" "is a link"
	assert_match "$(microvm purge --yes nobody 2>&1 || true)" "there is no /var/lib/microvms/nobody"
	assert_eq "nothing was deleted" "$(ls /var/lib/microvms/web)" $'data.img\nmounted'
}

# Types an answer when a question comes.
answering() { # ANSWER COMMAND...
	python3 - "$@" <<-'EOP'
		import os, pty, sys
		pid, fd = pty.fork()
		if pid == 0:
		    os.execvp(sys.argv[2], sys.argv[2:])
		said = b""
		while True:
		    try:
		        more = os.read(fd, 1024)
		    except OSError:
		        break
		    if not more:
		        break
		    said += more
		    if said.endswith(b"] "):
		        os.write(fd, sys.argv[1].encode() + b"\n")
		        said += b"\n"
		sys.stdout.buffer.write(said)
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	EOP
}

test_purge_deletes_the_folder_and_nothing_else() {
	touch /srv/shared/precious
	ln -s /srv/shared /var/lib/microvms/web/link
	ln -s /srv/shared/precious /var/lib/microvms/web/mounted/link
	assert_match "$(answering '' microvm purge web || true)" "Delete them for good"
	[ -e /var/lib/microvms/web/data.img ]
	answering y microvm purge web
	[ ! -e /var/lib/microvms/web ]
	[ -e /srv/shared/precious ]
	[ -L /var/lib/microvms/linked ]
	microvm purge --yes old
	[ ! -e /var/lib/microvms/old ]
	rm /var/lib/microvms/linked
	ip link del br0
}

test_create_writes_what_passes_check() {
	microvm create made --kernel="$kernel" --mem=256 --vcpu=2
	microvm check /etc/microvm/made.conf
	assert_eq mode "$(stat -c '%a %U' /etc/microvm/made.conf)" "644 root"
	assert_match "$(microvm cat made)" "^mem = 256$"
	assert_match "$(grep -c '^#' /etc/microvm/made.conf)" "[0-9]{1,2}"
	assert_match "$(microvm create made 2>&1 || true)" "made is configured already, by /etc/microvm/made.conf"
	truncate -s 1M '/srv/100% mine.img'
	ip link add br7 type bridge
	microvm create tapped --kernel="$kernel" --initrd="$initrd" --image='/srv/100% mine.img' --tap=tapped-0 --bridge=br7 \
		--hypervisor=cloud-hypervisor
	microvm check /etc/microvm/tapped.conf
	assert_match "$(microvm check --units /etc/microvm/tapped.conf)" "volume.root.image=/srv/100%% mine.img"
	for hypervisor in crosvm kvmtool stratovirt alioth; do
		microvm create "by-$hypervisor" --kernel="$kernel" --hypervisor="$hypervisor"
	done
	# Judged with all others before it is in its place.
	assert_match "$(microvm create twice --kernel="$kernel" --image='/srv/100% mine.img' 2>&1 || true)" "/etc/microvm/twice.conf:[0-9]+: .*mine.img"
	assert_match "$(microvm create bad --kernel="$kernel" --mem=much 2>&1 || true)" "/etc/microvm/bad.conf:[0-9]+: \[microvm\] mem: "
	assert_match "$(microvm create bad --kernel=$'/a\nmem=1' 2>&1 || true)" "holds what no line of a file can hold"
	assert_match "$(microvm create Bad 2>&1 || true)" "'Bad' is no name of a MicroVM"
	[ ! -e /etc/microvm/twice.conf ] && [ ! -e /etc/microvm/bad.conf ]
	assert_eq "left over" "$(find /etc/microvm -name '.draft*')" ""
	reload
	start made
	assert_match "$(row made)" "^made +running +qemu +2 +256M"
	systemctl kill --signal=KILL microvm@made
	rm /etc/microvm/{tapped,by-*}.conf
	ip link del br7
}

edit_by() { # SCRIPT ARGUMENT...: an editor that is a sed script
	EDITOR="sed -i '$1'" microvm edit "${@:2}"
}

test_edit_saves_what_fits_and_nothing_else() {
	local before

	chown games:games /etc/microvm/made.conf
	chmod 640 /etc/microvm/made.conf
	edit_by 's/^mem = .*/mem = 300M/' made
	assert_eq "owner and mode" "$(stat -c '%U %G %a' /etc/microvm/made.conf)" "games games 640"
	grep -qx 'mem = 300M' /etc/microvm/made.conf
	before=$(sha256sum /etc/microvm/made.conf)
	assert_match "$(edit_by 's/^mem = .*/mem = lots/' made 2>&1 || true)" "^microvm: /etc/microvm/made.conf:[0-9]+: \[microvm\] mem: "
	assert_fails edit_by 's/^mem = .*/mem = lots/' made </dev/null
	assert_match "$(edit_by '' made 2>&1)" "nothing was changed"
	assert_fails env EDITOR=false microvm edit made
	assert_eq file "$(sha256sum /etc/microvm/made.conf)" "$before"
	edit_by '$a [volume more]\\nsize = 8' --drop-in made
	assert_match "$(microvm cat made)" "^# /etc/microvm/made.conf.d/override.conf:[0-9]+$"
	assert_match "$(microvm edit nobody 2>&1 || true)" "nobody is not configured"
	# What a package ships stays as it is.
	mkdir -p /usr/lib/microvm
	printf '[microvm]\nkernel=%s\n' "$kernel" >/usr/lib/microvm/shipped.conf
	edit_by '$a mem = 128' shipped
	assert_eq shipped "$(wc -l </usr/lib/microvm/shipped.conf)" 2
	assert_match "$(microvm cat shipped)" "^# /etc/microvm/shipped.conf:3$"
	rm /usr/lib/microvm/shipped.conf
	assert_eq "left over" "$(find /etc/microvm -name '.draft*')" ""
}

test_edit_asks_to_edit_again() {
	cat >/usr/local/bin/twice <<-'EOE'
		#!/bin/sh
		if [ -e /run/second ]; then sed -i '/^wrong$/d; s/^mem = .*/mem = 310M/' "$1"; else touch /run/second; echo wrong >>"$1"; fi
	EOE
	chmod 755 /usr/local/bin/twice
	EDITOR=twice answering y microvm edit made
	grep -qx 'mem = 310M' /etc/microvm/made.conf
	assert_fails grep -q wrong /etc/microvm/made.conf
}
