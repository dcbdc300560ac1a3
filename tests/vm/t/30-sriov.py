# SPDX-License-Identifier: MIT
"""Virtual functions of a NIC (igb): made, given a hardware address, taken and given back, while their parent stays."""

from lib import PF, conf, driver, equal, refused, start

NUMBER = f"cat /sys/bus/pci/devices/{PF}/sriov_numvfs"
# What the parent says of function 1: "vf 1 link/ether 52:…".
MAC = f"ip link show $(ls /sys/bus/pci/devices/{PF}/net) | sed -n 's,.*vf 1 .*link/ether \\([^ ]*\\) .*,\\1,p'"


def function(number, more="", name="net"):
    return f"[device {name}]\nbus=pci\nsriov.parent={PF}\nsriov.vf={number}\n{more}\n"


def address(m, number):
    return m.sh(f"basename $(readlink /sys/bus/pci/devices/{PF}/virtfn{number})")


def test_too_many(m):
    equal("the parent's driver", driver(m, PF), "igb")
    m.sh(conf("far", function(63)))
    refused(m, "far", r"0000:04:00.0 can have 7 virtual functions, the last of which is 6, not 63")
    equal("functions then", m.sh(NUMBER), "0")


def test_made(m):
    m.sh(conf("vf", function(1, "sriov.mac=02:00:00:00:00:07\nexpect=8086:10ca")))
    start(m, "vf")
    equal("functions", m.sh(NUMBER), "7")
    equal("its driver", driver(m, address(m, 1)), "vfio-pci")
    equal("another's driver", driver(m, address(m, 2)), "")
    equal("the parent's driver", driver(m, PF), "igb")
    equal("its hardware address", m.sh(MAC), "02:00:00:00:00:07")
    m.sh(f"tr '\\0' '\\n' </proc/$(systemctl show -P MainPID microvm@vf)/cmdline | grep -q host={address(m, 1)},")


def test_given_back(m):
    m.sh("systemctl stop microvm@vf")
    m.until(f"! [ -e /sys/bus/pci/devices/{address(m, 1)}/driver ]")
    equal("functions", m.sh(NUMBER), "7")


def test_own_hardware_address(m):
    """The same at each start, and no other MicroVM's."""
    m.sh(conf("vf", function(1)) + "systemctl start microvm-pci-devices@vf")
    first = m.sh(MAC)
    m.sh("systemctl stop microvm-pci-devices@vf; systemctl start microvm-pci-devices@vf")
    equal("its address at the next start", m.sh(MAC), first)
    equal("its second bit", int(first[:2], 16) & 3, 2)
    m.sh("systemctl stop microvm-pci-devices@vf")


def test_too_few(m):
    m.sh(f"echo 0 >/sys/bus/pci/devices/{PF}/sriov_numvfs; echo 1 >/sys/bus/pci/devices/{PF}/sriov_numvfs")
    refused(m, "vf", r"0000:04:00.0 has 1 virtual functions, and number 1 would be one more")
    equal("functions then", m.sh(NUMBER), "1")


def test_no_functions(m):
    m.sh(conf("none", function(0).replace(PF, "0000:01:00.0")))
    refused(m, "none", r"0000:01:00.0 has no virtual functions \(SR-IOV\)")
