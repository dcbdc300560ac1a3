# SPDX-License-Identifier: MIT
"""A guest uses what it got, loses it, and has it again."""

from lib import EDU, card, comes_to, conf, driver, equal, guest_says, start

NO_JOBS = "[ -z \"$(systemctl list-jobs --plain --no-legend)\" ]"


def test_guest_uses_it(m):
    m.sh(conf("edu", card(EDU), "test.pci=1234:11e8"))
    start(m, "edu")
    guest_says(m, "edu", r"guest: lspci .* 1234:11E8")
    guest_says(m, "edu", r"guest: pci 1234:11e8 memory=0x010000ED")
    guest_says(m, "edu", "guest: ready")


def pull(m):
    """Done when the guest has let go."""
    m.qmp("device_del", id="edu")
    m.until(f"! [ -e /sys/bus/pci/devices/{EDU} ]")


def plug(m):
    m.qmp("device_add", driver="edu", id="edu", bus="port2")


def test_pulled_and_back(m):
    """The MicroVM stops, and starts when the card is back; here that is so before it has stopped."""
    run = m.sh("systemctl show -P InvocationID microvm@edu")
    pull(m)
    plug(m)
    m.until(f"systemctl is-active --quiet microvm@edu && [ $(systemctl show -P InvocationID microvm@edu) != {run} ]")
    m.sh("journalctl -b -q -o cat | grep '0000:02:00.0 was pulled out'")
    equal("the driver", driver(m, EDU), "vfio-pci")
    m.until("! systemctl is-active --quiet microvm-pci-lost@edu")


def test_stopped_while_it_was_out(m):
    guest_says(m, "edu", "guest: ready")
    pull(m)
    m.until("systemctl is-active --quiet microvm-pci-lost@edu")
    m.sh("systemctl stop microvm@edu")
    plug(m)
    comes_to(m, EDU, "vfio-pci")
    m.until("systemctl is-active --quiet microvm-pci-devices@edu")
    m.until(NO_JOBS)
    m.sh("! systemctl is-active --quiet microvm@edu")


def test_enabled_is_started_with_its_card(m):
    m.sh("systemctl enable --no-reload microvm@edu")
    pull(m)
    m.until(f"! systemctl is-active --quiet microvm-pci-devices@edu && {NO_JOBS}")
    plug(m)
    m.until("systemctl is-active --quiet microvm@edu")
    m.sh("systemctl disable --no-reload microvm@edu")
