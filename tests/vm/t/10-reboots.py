# SPDX-License-Identifier: MIT
"""What is enabled at one boot holds at the next, and the next."""

from lib import EDU, NIC, card, comes_to, conf, driver, equal, start


def after_boot(m):
    equal("the driver of the NIC", driver(m, NIC), "vfio-pci")
    never = m.sh(f"dmesg | grep -c 'e1000e {NIC}' || true")
    equal("what e1000e has said of it", never, "0")
    m.sh("! systemctl is-active --quiet microvm@nic")
    m.until("systemctl is-active --quiet microvm@edu")
    equal("the driver of edu", driver(m, EDU), "vfio-pci")
    start(m, "nic")
    m.sh("systemctl stop microvm@nic")
    comes_to(m, NIC, "e1000e")


def test_claimed_at_boot(m):
    m.sh(conf("nic", card(NIC), more="autostart=no") + conf("edu", card(EDU)))
    m.sh("systemctl enable microvm@edu")
    m.reboot()
    after_boot(m)


def test_second_reboot_is_as_the_first(m):
    m.reboot()
    after_boot(m)
