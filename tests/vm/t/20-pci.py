# SPDX-License-Identifier: MIT
"""PCI devices: taken from their drivers and given back, and those that are not."""

import re

from lib import (DISK, EDU, NIC, PAIR0, PAIR1, card, comes_to, conf, driver, equal, monitor, refused,
                 remove, said, start)
from machine import Failed


def test_native_is_moved_and_given_back(m):
    equal("the driver at first", driver(m, NIC), "e1000e")
    m.sh(conf("nic", card(NIC, "expect=8086:10d3\nqemu.id=own\nqemu.bus=port-0\nqemu.deviceExtraArgs=rombar=0") +
              "[qemu]\npcieRootPorts=1"))
    start(m, "nic")
    tree = monitor(m, "nic", "info qtree")
    if not re.search(r'dev: pcie-root-port, id "port-0"(?:(?!dev: pcie-root-port).)*dev: vfio-pci, id "own".*?rombar = 0', tree, re.S):
        raise Failed(tree)
    equal("the driver with the MicroVM", driver(m, NIC), "vfio-pci")
    owner = m.sh(f"stat -c %u /dev/vfio/$(basename $(readlink /sys/bus/pci/devices/{NIC}/iommu_group))")
    equal("the node's owner", owner, m.sh("stat -c %u /run/microvm/nic"))
    m.sh("systemctl stop microvm@nic")
    comes_to(m, NIC, "e1000e")
    equal("the override after the stop", m.sh(f"cat /sys/bus/pci/devices/{NIC}/driver_override"), "(null)")


def test_given_back_without_a_file(m):
    start(m, "nic")
    m.sh("rm /etc/microvm/nic.conf; systemctl daemon-reload; systemctl is-active microvm@nic")
    m.sh("systemctl stop microvm@nic")
    comes_to(m, NIC, "e1000e")


def test_kept_where_told(m):
    m.sh(conf("nic", card(NIC, "giveBack=no")))
    m.sh("systemctl start microvm-pci-devices@nic")
    m.sh("[ \"$(stat -c %u /dev/vfio/[0-9]*)\" != 0 ]; systemctl stop microvm-pci-devices@nic")
    m.sh("[ \"$(stat -c %u /dev/vfio/[0-9]*)\" = 0 ]")
    equal("the driver after the stop", driver(m, NIC), "vfio-pci")
    m.sh(conf("nic", card(NIC)))
    m.sh("systemctl start microvm-pci-devices@nic")
    m.sh(remove("nic"))
    comes_to(m, NIC, "e1000e")


def test_without_the_module(m):
    """What cannot be given is given back."""
    m.sh("modprobe -r vfio-pci; echo 'install vfio_pci /bin/false' >/etc/modprobe.d/none.conf")
    m.sh(conf("nic", card(NIC)))
    refused(m, "nic", r"0000:01:00.0 was taken from e1000e, and then vfio-pci did not have it but no driver; is the module there")
    comes_to(m, NIC, "e1000e")
    m.sh("rm /etc/modprobe.d/none.conf")
    m.sh(remove("nic"))


def test_refused(m):
    """Another card than is expected, one whose group somebody else is in, one that the host lives on."""
    m.sh(conf("edu", card(EDU, "expect=8086:10d3")) + conf("pair", card(PAIR0)) + conf("disk", card(DISK)))
    refused(m, "edu", r"\[device card\] 0000:02:00.0 is 1234:11e8, and expect says 8086:10d3")
    refused(m, "pair", r"shares IOMMU group \d+ with 0000:03:00.1 \(e1000e\)")
    equal("the driver of the other", driver(m, PAIR1), "e1000e")
    refused(m, "disk", r"carries the file system on / of this host")
    m.sh("rm /etc/microvm/*; systemctl daemon-reload; systemctl reset-failed")


def test_whole_group(m):
    m.sh(conf("pair", card(PAIR0) + card(PAIR1, name="other")))
    start(m, "pair")
    equal("the driver of the other", driver(m, PAIR1), "vfio-pci")
    m.sh(remove("pair"))
    comes_to(m, PAIR1, "e1000e")


def test_default_route_of_the_host(m):
    m.sh(f"ip link set $(ls /sys/bus/pci/devices/{NIC}/net) up; ip link add br9 type bridge; ip link set br9 up; "
         f"ip link set $(ls /sys/bus/pci/devices/{NIC}/net) master br9; ip addr add 192.0.2.1/24 dev br9; "
         "ip route add default via 192.0.2.2")
    m.sh(conf("nic", card(NIC)))
    refused(m, "nic", r"carries the default route \(br9\) of this host")
    m.sh("ip link del br9")
    m.sh(remove("nic"))


def test_missing_card(m):
    m.sh("mkdir -p '/run/systemd/system/sys-bus-pci-devices-0000:0a:00.0.device.d'; "
         "printf '[Unit]\\nJobRunningTimeoutSec=5\\n' >'/run/systemd/system/sys-bus-pci-devices-0000:0a:00.0.device.d/t.conf'")
    m.sh(conf("none", card("0000:0a:00.0")))
    status, _ = m.try_sh("systemctl start microvm@none")
    equal("the start's success", status != 0, True)
    m.sh("journalctl -b -q -o cat | grep 'Timed out waiting for device.*0000:0a:00.0'")


def test_missing_card_that_is_not_required(m):
    m.sh(conf("none", card("0000:0a:00.0", "required=no")))
    start(m, "none")
    equal("its message", "0000:0a:00.0 is not there; the MicroVM does without it" in said(m, "none"), True)
    m.sh(remove("none"))
