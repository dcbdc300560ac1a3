# SPDX-License-Identifier: MIT
"""A driver that does not let go of its device: nobody waits for it for ever, and when it has let go all is well."""

from lib import card, comes_to, conf, driver, equal, refused, remove, said

DISK = "0000:06:00.0"
NODE = "/dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_hung"
NO_LIMIT = dict.fromkeys(["bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"], 0)


def test_start_fails(m):
    """nvme waits for a write that does not end; the kernel is told not to help it."""
    m.sh("echo 86400 >/sys/module/nvme_core/parameters/io_timeout")
    m.qmp("blockdev-add", driver="null-co", size=1 << 20, **{"node-name": "hung", "read-zeroes": True})
    m.qmp("device_add", driver="nvme", id="hung", drive="hung", serial="hung", bus="port6")
    m.until(f"[ -b {NODE} ] && udevadm settle")
    m.qmp("block_set_io_throttle", id="hung", **{**NO_LIMIT, "bps_wr": 1})
    m.sh(f"systemd-run --quiet --unit=writer dd if=/dev/zero of={NODE} bs=4k count=2 oflag=direct")
    m.until("grep -q submit_bio_wait /proc/$(systemctl show -P MainPID writer)/stack")
    m.sh(conf("hung", card(DISK)))
    refused(m, "hung", r"0000:06:00.0 is not let go by nvme within 60 s; its driver hangs")
    equal("a second wait", "cannot be given back" in said(m, "hung"), False)
    m.sh("systemctl is-active writer; pgrep -f 'microvm-pci-devices hung'")


def test_start_succeeds_later(m):
    m.qmp("block_set_io_throttle", id="hung", **NO_LIMIT)
    m.until("! pgrep -f 'microvm-pci-devices hung'")
    m.sh("systemctl start microvm-pci-devices@hung")
    equal("the driver", driver(m, DISK), "vfio-pci")
    m.sh("systemctl stop microvm-pci-devices@hung")
    comes_to(m, DISK, "nvme")
    m.sh(remove("hung"))
    m.qmp("device_del", id="hung")
    m.until(f"! [ -e /sys/bus/pci/devices/{DISK} ]")
