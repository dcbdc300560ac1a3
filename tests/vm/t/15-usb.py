# SPDX-License-Identifier: MIT
"""USB devices: plugged in, pulled out and plugged in again, while the MicroVM runs and while it does not."""

import subprocess
import time

from lib import conf, equal, monitor, refused, remove, said, start
from machine import PATIENCE, Failed

STICK = "[device stick]\nbus=usb\npath=vendorid=0x46f4,productid=0x0001\n"
# Folder, node and driver of what is plugged in, in the machine.
FOLDER = "dirname $(grep -lx 46f4 /sys/bus/usb/devices/*/idVendor)"
NODE = f"/dev/bus/usb/$(printf %03d/%03d $(cat $({FOLDER})/busnum $({FOLDER})/devnum))"
NOTHING_TOLD = "[ -z \"$(ls /run/microvm-usb 2>/dev/null)\" ]"
DRIVER = f"readlink $({FOLDER})/*:1.0/driver | sed 's,.*/,,'"
# By qemu. Whether that has a driver of its own there depends on what the guest does with the device.
TAKEN = f"[ \"$({DRIVER})\" != usb-storage ]"


def make_stick(m):
    """With a file system, so that the host can use it."""
    image = m.folder / "stick"
    image.write_bytes(bytes(1 << 20))
    subprocess.run(["mke2fs", "-q", image], check=True)
    m.qmp("blockdev-add", **{"node-name": "stick", "driver": "raw", "read-only": True,
                             "file": {"driver": "file", "filename": str(image)}})


def plug(m):
    """Done when udev has seen it."""
    m.qmp("device_add", driver="usb-storage", id="stick", drive="stick", bus="usb.0")
    m.until(f"{FOLDER} && udevadm wait {NODE}")


def pull(m):
    m.qmp("device_del", id="stick")
    m.until(f"! {FOLDER} 2>/dev/null")


def owner(m):
    return m.sh(f"stat -c %u {NODE}")


def guest_has(m, wanted):
    """The guest's kernel is one for the cloud and knows no USB; what it would find, qemu tells."""
    end = time.monotonic() + PATIENCE
    while ("true" in (have := monitor(m, "usb", "qom-get /machine/peripheral/device-stick attached"))) != wanted:
        if time.monotonic() > end:
            raise Failed(f"attached: {have}")
        time.sleep(0.3)


def test_waited_for_and_refused(m):
    make_stick(m)
    m.sh(conf("usb", STICK) +
         "sed -i s/startupTimeout=.*/startupTimeout=3/ /etc/microvm/usb.conf; systemctl daemon-reload")
    refused(m, "usb", r"\[device stick\] vendorid=0x46f4,productid=0x0001 is not plugged in")
    equal("what it waits for", "waits for vendorid=0x46f4,productid=0x0001 to be plugged in" in said(m, "usb"), True)
    m.until(NOTHING_TOLD)
    m.sh("sed -i s/startupTimeout=.*/startupTimeout=300/ /etc/microvm/usb.conf; systemctl daemon-reload")


def test_of_the_host(m):
    plug(m)
    m.until("mount -o ro /dev/sda /mnt")
    refused(m, "usb", r"\[device stick\] vendorid=0x46f4,productid=0x0001 carries the file system on /mnt of this host")
    m.sh("umount /mnt; systemctl reset-failed")
    equal("its driver", m.sh(DRIVER), "usb-storage")


def test_given(m):
    m.until(f"[ \"$({DRIVER})\" = usb-storage ]")
    equal("the owner at first", owner(m), "0")
    start(m, "usb")
    equal("the owner", owner(m), m.sh("stat -c %u /run/microvm/usb"))
    equal("others of that owner", m.sh("find /dev/bus/usb -type c -uid +0 | wc -l"), "1")
    m.until(TAKEN)
    guest_has(m, True)


def test_pulled_and_back(m):
    pull(m)
    guest_has(m, False)
    m.sh("systemctl is-active microvm@usb")
    plug(m)
    equal("the owner", owner(m), m.sh("stat -c %u /run/microvm/usb"))
    m.until(TAKEN)
    guest_has(m, True)
    m.sh("udevadm trigger --settle --action=change --subsystem-match=usb")
    equal("the owner after an event", owner(m), m.sh("stat -c %u /run/microvm/usb"))


def test_taken_back(m):
    m.sh("systemctl stop microvm@usb")
    m.until(f"[ \"$({DRIVER})\" = usb-storage ] && [ $(stat -c %u {NODE}) = 0 ]")
    m.until(NOTHING_TOLD)
    pull(m)
    plug(m)
    equal("the owner of the next", owner(m), "0")
    pull(m)


def test_not_required(m):
    m.sh(conf("usb", STICK + "required=no\n"))
    start(m, "usb")
    equal("its message", "is not plugged in; the MicroVM does without it until it is" in said(m, "usb"), True)
    plug(m)
    guest_has(m, True)
    m.sh(remove("usb"))
