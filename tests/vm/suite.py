# SPDX-License-Identifier: MIT
"""Devices that are passed through, as tests in their order: each begins with the machine as the one before left it.

usage: suite.py IMAGE SCRATCH [TEST...]
"""

import pathlib
import re
import shutil
import sys
import time
import traceback

from machine import Failed, Machine

NIC, EDU, PAIR0, PAIR1, DISK = (f"0000:{a}" for a in ("01:00.0", "02:00.0", "03:00.0", "03:00.1", "00:04.0"))
DRIVER = "readlink /sys/bus/pci/devices/%s/driver 2>/dev/null | sed 's,.*/,,'"
BOOT = "cryptomgr.notests tsc_early_khz=2000000 panic=-1 reboot=t quiet"


def conf(name, device, words="", more=""):
    """A MicroVM of little memory, with one device; a script that writes its file."""
    return f"""mkdir -p /etc/microvm; cat >/etc/microvm/{name}.conf <<'END'
[microvm]
kernel=/usr/lib/microvm-test/vmlinuz
initrdPath=/usr/lib/microvm-test/initrd
kernelParams={BOOT} {words}
mem=192
startupTimeout=300
shutdownTimeout=5
{more}
[device card]
bus=pci
{device}
END
systemctl daemon-reload
"""


def remove(name):
    return f"systemctl stop microvm@{name}; rm /etc/microvm/{name}.conf; systemctl daemon-reload; systemctl reset-failed\n"


def equal(what, have, want):
    if have != want:
        raise Failed(f"{what} is '{have}', expected '{want}'")


def refused(m, name, pattern):
    """Its start fails, and the journal has the message."""
    status, _ = m.try_sh(f"systemctl start microvm@{name}", 150)
    said = m.sh(f"journalctl -b -q -o cat -u microvm@{name} -u microvm-pci-devices@{name} | tail -n 30")
    if status == 0:
        raise Failed("it starts")
    if not re.search(pattern, said):
        raise Failed(f"no '{pattern}' in:\n{said}")


def driver(m, address):
    return m.sh(DRIVER % address)


def comes_to(m, address, name):
    """A stop of a MicroVM ends before its device is back."""
    m.until(f"[ \"$({DRIVER % address})\" = {name} ]", 60)


def test_native_is_moved_and_given_back(m):
    equal("the driver at first", driver(m, NIC), "e1000e")
    m.sh(conf("nic", f"path={NIC}\nexpect=8086:10d3"))
    m.sh("systemctl start microvm@nic", 200)
    equal("the driver with the MicroVM", driver(m, NIC), "vfio-pci")
    owner = m.sh(f"stat -c %u /dev/vfio/$(basename $(readlink /sys/bus/pci/devices/{NIC}/iommu_group))")
    equal("the node's owner", owner, m.sh("stat -c %u /run/microvm/nic"))
    m.sh("systemctl stop microvm@nic", 60)
    comes_to(m, NIC, "e1000e")
    equal("the override after the stop", m.sh(f"cat /sys/bus/pci/devices/{NIC}/driver_override"), "(null)")


def test_given_back_without_a_file(m):
    m.sh("systemctl start microvm@nic", 200)
    m.sh("rm /etc/microvm/nic.conf; systemctl daemon-reload; systemctl is-active microvm@nic")
    m.sh("systemctl stop microvm@nic", 60)
    comes_to(m, NIC, "e1000e")


def test_kept_where_told(m):
    m.sh(conf("nic", f"path={NIC}\ngiveBack=no"))
    m.sh("systemctl start microvm@nic", 200)
    m.sh("systemctl stop microvm@nic", 60)
    m.until("[ \"$(stat -c %u /dev/vfio/[0-9]*)\" = 0 ]", 60)
    equal("the driver after the stop", driver(m, NIC), "vfio-pci")
    m.sh(conf("nic", f"path={NIC}"))
    m.sh("systemctl start microvm-pci-devices@nic", 200)
    m.sh(remove("nic"), 60)
    comes_to(m, NIC, "e1000e")


def test_wrong_card(m):
    m.sh(conf("edu", f"path={EDU}\nexpect=8086:10d3"))
    refused(m, "edu", r"\[device card\] 0000:02:00.0 is 1234:11e8, and expect says 8086:10d3")
    m.sh(remove("edu"))


def test_busy_group(m):
    m.sh(conf("pair", f"path={PAIR0}"))
    refused(m, "pair", r"shares IOMMU group \d+ with 0000:03:00.1 \(e1000e\)")
    equal("the driver of the other", driver(m, PAIR1), "e1000e")
    m.sh(remove("pair"))


def test_whole_group(m):
    m.sh(conf("pair", f"path={PAIR0}\n[device other]\nbus=pci\npath={PAIR1}"))
    m.sh("systemctl start microvm@pair", 200)
    equal("the driver of the other", driver(m, PAIR1), "vfio-pci")
    m.sh(remove("pair"), 60)
    comes_to(m, PAIR1, "e1000e")


def test_disk_of_the_host(m):
    m.sh(conf("disk", f"path={DISK}"))
    refused(m, "disk", r"carries the file system on / of this host")
    m.sh(remove("disk"))


def test_default_route_of_the_host(m):
    m.sh(f"ip link set $(ls /sys/bus/pci/devices/{NIC}/net) up; ip link add br9 type bridge; ip link set br9 up; "
         f"ip link set $(ls /sys/bus/pci/devices/{NIC}/net) master br9; ip addr add 192.0.2.1/24 dev br9; "
         "ip route add default via 192.0.2.2")
    m.sh(conf("nic", f"path={NIC}"))
    refused(m, "nic", r"carries the default route \(br9\) of this host")
    m.sh("ip link del br9")
    m.sh(remove("nic"))


def test_missing_card(m):
    m.sh("mkdir -p '/run/systemd/system/sys-bus-pci-devices-0000:0a:00.0.device.d'; "
         "printf '[Unit]\\nJobRunningTimeoutSec=5\\n' >'/run/systemd/system/sys-bus-pci-devices-0000:0a:00.0.device.d/t.conf'")
    m.sh(conf("none", "path=0000:0a:00.0"))
    status, _ = m.try_sh("systemctl start microvm@none", 60)
    equal("the start's success", status != 0, True)
    m.sh("journalctl -b -q -o cat | grep 'Timed out waiting for device.*0000:0a:00.0'")
    m.sh(conf("none", "path=0000:0a:00.0\nrequired=no"))
    m.sh("systemctl start microvm@none", 200)
    m.sh("journalctl -b -q -o cat -u microvm-pci-devices@none | grep '0000:0a:00.0 is not there; the MicroVM does without it'")
    m.sh(remove("none"), 60)


def test_guest_uses_it(m):
    m.sh(conf("edu", f"path={EDU}", "test.pci=1234:11e8"))
    m.sh("systemctl start microvm@edu", 200)
    m.until("journalctl -b -q -o cat -u microvm@edu | grep -E 'guest: (ready|no pci)'", 600)
    said = m.sh("journalctl -b -q -o cat -u microvm@edu | grep guest: ")
    if not re.search(r"guest: lspci .* 1234:11E8", said) or not re.search(r"guest: pci 1234:11e8 memory=0x010000ED", said):
        raise Failed(said)


def test_pulled_and_back(m):
    """The guest is up and lets go; the MicroVM stops, and starts when the card is back."""
    m.qmp("device_del", id="edu")
    m.until("! systemctl is-active --quiet microvm@edu && ! [ -e /sys/bus/pci/devices/0000:02:00.0 ]", 90)
    m.until("[ $(systemctl show -P ActiveState microvm@edu) = inactive ]", 30)
    m.sh("journalctl -b -q -o cat | grep '0000:02:00.0 was pulled out'")
    m.qmp("device_add", driver="edu", id="edu", bus="port2")
    m.until("systemctl is-active --quiet microvm@edu", 90)
    equal("the driver", driver(m, EDU), "vfio-pci")
    m.sh(remove("edu"), 60)


def test_boot_claims(m):
    m.sh(conf("nic", f"path={NIC}", more="autostart=no") + conf("edu", f"path={EDU}"))
    m.sh("systemctl enable microvm@edu")


def after_boot(m):
    equal("the driver of the NIC", driver(m, NIC), "vfio-pci")
    never = m.sh(f"dmesg | grep -c 'e1000e {NIC}' || true")
    equal("what e1000e has said of it", never, "0")
    m.sh("! systemctl is-active --quiet microvm@nic")
    m.until("systemctl is-active --quiet microvm@edu", 120)
    equal("the driver of edu", driver(m, EDU), "vfio-pci")
    m.sh("systemctl start microvm@nic", 200)
    m.sh("systemctl stop microvm@nic", 60)
    comes_to(m, NIC, "e1000e")


def test_first_reboot(m):
    m.reboot()
    after_boot(m)


def test_second_reboot(m):
    m.reboot()
    after_boot(m)


def test_absent_iommu(m):
    m.power_off()
    m.iommu = False
    m.start()
    m.sh("systemctl disable --now microvm@edu; rm /etc/microvm/edu.conf; systemctl daemon-reload", 60)
    refused(m, "nic", r"0000:01:00.0 is in no IOMMU group: the host's IOMMU is off")


def run(m, name, test):
    began = time.monotonic()
    try:
        test(m)
    except Exception as error:  # whatever it is, the next test may tell more
        print(f"not ok - vm/{name}")
        details = str(error) if isinstance(error, Failed) else traceback.format_exc()
        try:
            details += "\n" + m.sh("journalctl -b -q --no-pager -o short-monotonic -u 'microvm*' -u 'sys-bus*' | tail -n 60", 60)
        except Exception as another:
            details += f"\nno journal: {another}"
        print("\n".join("#   " + line for line in details.splitlines()), flush=True)
        return
    print(f"# {time.monotonic() - began:.0f} s\nok - vm/{name}", flush=True)


def main():
    image, scratch, wanted = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
    tests = [(name[5:], test) for name, test in globals().items() if name.startswith("test_")]
    folder = scratch / "machine"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    m = Machine(folder, image, scratch / "build.tar")
    try:
        run(m, "boot", lambda machine: machine.start())
        for name, test in tests:
            if not wanted or name in wanted:
                run(m, name, test)
    finally:
        m.stop()


main()
