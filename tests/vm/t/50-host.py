# SPDX-License-Identifier: MIT
"""What a host's own kernel does for a MicroVM, or keeps from it: packets that it moves, disks that it has a use for."""

from lib import conf, equal, guest_says, refused, remove, said, start
from machine import Failed

TAP = """[interface vhost0]
type=tap
tap.vhost=yes
script=/usr/local/bin/address
"""
DISK = "[volume disk]\nimage={}\nfsType=none\n"
PULLED = "/dev/disk/by-id/virtio-pulled"


def loop_device(m, name):
    """Returns its path."""
    return m.sh(f"truncate -s 16M /srv/{name}; losetup --find --show /srv/{name}")


def plug_disk(m, port):
    """One as good as the other: of the same serial number, and empty."""
    m.qmp("blockdev-add", driver="null-co", **{"node-name": f"disk{port}", "size": 16 << 20, "read-zeroes": True})
    m.qmp("device_add", driver="virtio-blk-pci", id=f"disk{port}", drive=f"disk{port}", serial="pulled", bus=f"port{port}")
    m.until(f"[ -b {PULLED} ]")


def test_packets_are_moved_by_the_kernel(m):
    m.sh("printf '#!/bin/sh\\nip addr add 10.7.0.1/24 dev $1\\n' >/usr/local/bin/address; chmod 755 /usr/local/bin/address; "
         "mkdir -p /run/www; echo from the host >/run/www/file; "
         "systemd-run --quiet --unit=www -p WorkingDirectory=/run/www python3 -m http.server 80")
    plug_disk(m, 5)
    m.sh(conf("vhost", TAP + DISK.format(PULLED), "test.ip=10.7.0.2/24 test.fetch=http://10.7.0.1/file"))
    start(m, "vhost")
    main = "/proc/$(systemctl show -P MainPID microvm@vhost)"
    m.sh(f"ls -l {main}/fd | grep /dev/vhost-net; tr '\\0' ' ' <{main}/cmdline | grep vhost=on")
    guest_says(m, "vhost", "guest: fetched from the host")


def test_a_disk_that_is_pulled(m):
    """The guest would go on, reading zeros."""
    m.qmp("device_del", id="disk5")
    m.until("systemctl status microvm@vhost | grep 'volume disk: its device is gone, so microvm@vhost.service is stopped'")
    m.until("systemctl show -P ActiveState microvm@vhost | grep -E 'inactive|failed'")
    equal("lines that tell it", said(m, "vhost").count("is gone"), 1)


def test_a_disk_that_is_back(m):
    plug_disk(m, 6)
    start(m, "vhost")
    guest_says(m, "vhost", "guest: disk vda serial=disk")
    m.sh(remove("vhost"))


def test_a_kernel_that_cannot_is_told(m):
    m.sh(conf("vhost", TAP, more="restart=no"))
    m.sh("mv /dev/vhost-net /dev/vhost-away")
    try:
        refused(m, "vhost", r"\[interface vhost0\] tap.vhost: the host cannot do it: /dev/vhost-net: No such file")
    finally:
        m.sh("mv /dev/vhost-away /dev/vhost-net")
    m.sh(remove("vhost") + "systemctl stop www")


def test_a_disk_of_lvm(m):
    loop = loop_device(m, "lvm")
    m.sh(f"pvcreate -q {loop}; vgcreate -q vg {loop}; lvcreate -q -n data -l 100%FREE vg")
    m.sh(conf("disk", DISK.format(loop), more="restart=no"))
    refused(m, "disk", loop + r": is part of dm-\d+ \(vg-data\)")
    m.sh("vgchange -q -a n vg")
    m.sh(conf("disk", f"[volume disk]\nimage={loop}\n", more="restart=no"))
    refused(m, "disk", loop + ": holds LVM2_member, not ext4")


def test_a_logical_volume(m):
    """Is a disk as any other; LVM leaves it alone meanwhile."""
    m.sh("vgchange -q -a y vg")
    m.sh(conf("disk", DISK.format("/dev/vg/data"), more="restart=no"))
    start(m, "disk")
    guest_says(m, "disk", "guest: disk vda serial=disk")
    if m.try_sh("vgchange -a n vg")[0] == 0:
        raise Failed("LVM takes it away")
    m.sh("systemctl stop microvm@disk")
    m.until("vgremove -q -y vg")
    m.sh("losetup -d $(losetup -n -O NAME -j /srv/lvm)")


def test_a_disk_of_a_raid(m):
    loop = loop_device(m, "raid")
    m.sh(f"mdadm --create /dev/md/test --quiet --run --metadata=1.2 --level=1 --raid-devices=2 missing {loop}")
    m.sh(conf("disk", DISK.format(loop), more="restart=no"))
    refused(m, "disk", loop + r": is part of md\d+")
    m.until("mdadm --stop /dev/md/test")
    m.sh(conf("disk", f"[volume disk]\nimage={loop}\n", more="restart=no"))
    refused(m, "disk", loop + ": holds linux_raid_member, not ext4")
    m.sh(f"losetup -d {loop}")
    m.sh(remove("disk"))
