# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Devices of the host, as far as a container goes, which has neither udev nor devices: what is asked of systemd, and what is
# said of those that are not there. tests/vm has the rest.

stick='bus=usb
path=vendorid=0x46f4,productid=0x0001'

# A stop of a MicroVM returns before what was prepared for it is taken back.
nothing_is_told() { [ -z "$(ls /run/microvm-usb 2>/dev/null)" ]; }

test_usb_device_is_waited_for_and_missed() {
	conf usb <<<"startupTimeout=1
[device stick]
$stick"
	reload
	assert_fails start usb
	journal_has microvm-usb-devices@usb '\[device stick\] waits for vendorid=0x46f4,productid=0x0001 to be plugged in'
	journal_has microvm-usb-devices@usb '\[device stick\] vendorid=0x46f4,productid=0x0001 is not plugged in'
	wait_until 10 nothing_is_told
}

# qemu, with libusb in it, starts in the sandbox; and udev is told whose the device will be.
test_usb_device_may_be_missing() {
	conf usb <<<"[device stick]
$stick
required=no"
	reload
	start usb
	journal_has microvm-usb-devices@usb 'is not plugged in; the MicroVM does without it until it is'
	assert_eq "udev's file" "$(cat /run/microvm-usb/46f4:0001)" \
		"MICROVM_NAME=usb
MICROVM_USER=$(stat -c %u /run/microvm/usb)"
	assert_eq "who else may write it" "$(stat -c %U:%a /run/microvm-usb/46f4:0001)" root:644
	stop usb
	wait_until 10 nothing_is_told
	no_leftovers usb
}

waits() { systemctl is-active --quiet microvm-pci-lost@lost; }

# What the start of a MicroVM with such a card has left, and its end finds.
lose_card() {
	mkdir -p /run/microvm-pci-devices
	echo '0000:99:00.0 give-back required' >/run/microvm-pci-devices/lost.taken
	/usr/lib/microvm/microvm-pci-devices --ended lost
	rm /run/microvm-pci-devices/lost.taken
	wait_until 10 waits
}

test_a_stop_ends_the_waiting_for_a_card() {
	conf lost </dev/null
	reload
	lose_card
	is_state lost inactive
	stop lost
	assert_fails waits
}

# Also while it runs, or is about to: the card can be pulled at any time.
test_a_restart_is_possible_while_it_waits() {
	lose_card
	restart lost
	is_state lost active
	lose_card
	stop lost
	assert_fails waits
}

# All that was lost is there again when the waiting begins.
test_a_card_that_is_back_too_soon_is_not_missed() {
	systemctl start --no-block microvm-pci-lost@lost
	wait_until 30 is_state lost active
	stop lost
	no_leftovers lost
}

# Without a notice of what was lost a card that is not required is nothing to wait for.
test_a_card_that_is_not_required_is_not_waited_for() {
	mkdir -p /run/microvm-pci-devices
	echo '0000:99:00.0 give-back' >/run/microvm-pci-devices/lost.taken
	/usr/lib/microvm/microvm-pci-devices --ended lost
	rm /run/microvm-pci-devices/lost.taken
	sleep 1
	assert_fails waits
}
