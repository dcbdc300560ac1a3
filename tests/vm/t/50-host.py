# SPDX-License-Identifier: MIT
"""What a host's own kernel does for a MicroVM, or keeps from it: packets that it moves, disks that it has a use for."""

from lib import conf, guest_says, refused, remove, said, start

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


def test_packets_are_moved_by_the_kernel(m):
    m.sh("printf '#!/bin/sh\\nip addr add 10.7.0.1/24 dev $1\\n' >/usr/local/bin/address; chmod 755 /usr/local/bin/address; "
         "mkdir -p /run/www; echo from the host >/run/www/file; "
         "systemd-run --quiet --unit=www -p WorkingDirectory=/run/www python3 -m http.server 80")
    m.qmp("blockdev-add", driver="null-co", **{"node-name": "pulled", "size": 16 << 20, "read-zeroes": True})
    m.qmp("device_add", driver="virtio-blk-pci", id="pulled", drive="pulled", serial="pulled", bus="port5")
    m.until(f"[ -b {PULLED} ]")
    m.sh(conf("vhost", TAP + DISK.format(PULLED), "test.ip=10.7.0.2/24 test.fetch=http://10.7.0.1/file"))
    start(m, "vhost")
    main = "/proc/$(systemctl show -P MainPID microvm@vhost)"
    m.sh(f"ls -l {main}/fd | grep /dev/vhost-net; tr '\\0' ' ' <{main}/cmdline | grep vhost=on")
    guest_says(m, "vhost", "guest: fetched from the host")


def test_a_disk_that_is_pulled(m):
    m.qmp("device_del", id="pulled")
    m.until(f"! [ -e {PULLED} ]", 90)
    print(said(m, "vhost"), m.sh("systemctl status microvm@vhost || true; dmesg | tail -n 5"))
    m.sh(remove("vhost"))


def test_a_kernel_that_cannot_is_told(m):
    m.sh(conf("vhost", TAP, more="restart=no"))
    m.sh("mv /dev/vhost-net /dev/vhost-away")
    try:
        refused(m, "vhost", r"\[interface vhost0\] tap.vhost: the host cannot do it: /dev/vhost-net: No such file")
    finally:
        m.sh("mv /dev/vhost-away /dev/vhost-net")
    m.sh(remove("vhost") + "systemctl stop www")


def test_a_disk_of_lvm_or_device_mapper(m):
    loop = loop_device(m, "lvm")
    m.sh(f"modprobe dm_mod; echo 0 16384 linear {loop} 0 | dmsetup create vg-data -u LVM-0123456789")
    m.sh(conf("disk", DISK.format(loop), more="restart=no"))
    refused(m, "disk", loop + r": is part of dm-\d+ \(vg-data\)")
    m.sh(f"dmsetup remove vg-data; losetup -d {loop}")


def test_a_disk_of_a_raid(m):
    loop = loop_device(m, "raid")
    m.sh(f"""modprobe raid1; echo md127 >/sys/module/md_mod/parameters/new_array; cd /sys/block/md127/md
        echo none >metadata_version; echo raid1 >level; echo 1 >raid_disks; echo 8192 >component_size
        cat /sys/class/block/{loop[5:]}/dev >new_dev; echo 0 >dev-{loop[5:]}/slot; echo clean >array_state; cat array_state""")
    m.sh(conf("disk", DISK.format(loop), more="restart=no"))
    refused(m, "disk", loop + ": is part of md127")
    m.sh(f"echo clear >/sys/block/md127/md/array_state; losetup -d {loop}")
    m.sh(remove("disk"))
