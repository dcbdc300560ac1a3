# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# What boots: kernels for another architecture, and firmware that looks for a boot loader on a volume. Emulated firmware is
# slow, hence the long times.

uefi() {
	raw_conf uefi <<-EOF
		[microvm]
		firmware = /usr/share/OVMF/OVMF_CODE_4M.fd
		mem = 512
		$(cat)
		[volume root]
		image = /var/lib/uefi.img
		fsType = none
	EOF
	reload
}

test_kernel_for_another_architecture_is_emulated() {
	raw_conf arm <<-EOF
		[microvm]
		cpu = cortex-a53
		kernel = $test_files/arm64/vmlinuz
		initrdPath = $test_files/arm64/initrd
		kernelParams = quiet cryptomgr.notests test.read=data test.do=poweroff
		mem = 256
		restart = no
		[volume data]
		size = 8M
	EOF
	reload
	start arm
	guest_says arm 'disk vda serial=data' 120
	wait_until 60 is_state arm inactive
	journal_has microvm@arm.service 'it is for aarch64, and the host is x86_64'
	assert_eq "how it ended" "$(property microvm@arm Result)" success
	no_leftovers arm
}

test_hypervisor_of_the_hosts_architecture_refuses_it() {
	printf '#!/bin/sh\n' >/usr/local/bin/alioth
	chmod +x /usr/local/bin/alioth
	sed -i 's/^cpu = .*/hypervisor = alioth/; /^initrdPath/d' /etc/microvm/arm.conf
	reload
	assert_fails start arm
	journal_has microvm@arm.service 'vmlinuz is for aarch64, and alioth runs guests of the host.s architecture, x86_64, alone'
	rm /usr/local/bin/alioth
}

test_emulator_that_is_missing_is_named() {
	sed -i 's/^hypervisor = .*/cpu = max/' /etc/microvm/arm.conf
	reload
	mv /usr/bin/qemu-system-aarch64{,.gone}
	assert_fails start arm
	mv /usr/bin/qemu-system-aarch64{.gone,}
	journal_has microvm@arm.service 'qemu-system-aarch64 is not installed \(on Debian: apt install qemu-system-arm\)'
}

# Its own state folder keeps what the guest stored in the firmware.
test_uefi_boots_a_disk_and_keeps_its_variables() {
	cp "$test_files/uefi/disk.img" /var/lib/uefi.img
	uefi <<<''
	start uefi
	guest_says uefi 'efi Boots counted 1' 300
	guest_says uefi ready
	assert_eq "who may see the variables" "$(stat -c %a /var/lib/microvms/uefi/firmware-variables)" 600
	stop uefi
	journal_has microvm@uefi.service 'guest: power button'
	no_leftovers uefi
	start uefi
	guest_says uefi 'efi Boots counted 2' 300
	stop uefi
}

test_variables_of_another_firmware_are_refused() {
	truncate -s 1M /var/lib/microvms/uefi/firmware-variables
	assert_fails start uefi
	journal_has microvm@uefi.service 'are of another firmware \(1048576 bytes, not 540672\); move the file away'
	rm /var/lib/microvms/uefi/firmware-variables
}

# Also where nobody described the image, and in the machine that guards them.
test_template_is_found() {
	local words

	cp /usr/share/OVMF/OVMF_CODE_4M.fd /srv/MY_CODE.fd
	cp /usr/share/OVMF/OVMF_VARS_4M.fd /srv/MY_VARS.fd
	words=$(/usr/lib/microvm/microvm-run --print uefi microvm.firmware=/srv/MY_CODE.fd)
	assert_match "$words" 'pflash0=firmware,pflash1=variables'
	assert_match "$words" 'read-only=off,file.driver=file,file.filename=/var/lib/microvms/uefi/firmware-variables'
	rm /srv/MY_VARS.fd
	words=$(/usr/lib/microvm/microvm-run --print uefi microvm.firmware=/srv/MY_CODE.fd)
	assert_match "$words" '^-bios$'
	words=$(/usr/lib/microvm/microvm-run --print uefi microvm.firmware=/usr/share/OVMF/OVMF_CODE_4M.secboot.fd)
	assert_match "$words" 'smm=on'
	assert_match "$words" 'driver=cfi.pflash01,property=secure,value=on'
}

test_firmware_starts_the_kernel() {
	local kernel=$test_files/vmlinuz # as a file that firmware can start

	conf uefi test.efi=Boots <<<'firmware = /usr/share/OVMF/OVMF_CODE_4M.fd'
	reload
	start uefi
	guest_says uefi 'efi Boots counted 1' 300
	stop uefi
}
