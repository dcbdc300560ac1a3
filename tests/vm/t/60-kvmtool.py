# SPDX-License-Identifier: MIT
"""kvmtool itself, where the machine that tests has an lkvm: its stop, its console, its ends, what its guest gets."""

import re
import shutil

from lib import conf, equal, guest_says, refused, said, start
from machine import Failed

SKIP = None if shutil.which("lkvm") else "there is no lkvm here"
MAIN = "systemctl show -P MainPID microvm@"
TYPE = """microvm console kt <<<'echo $((6*7))' >/tmp/shown & typist=$!
until grep '^42' /tmp/shown; do sleep 0.3; done
kill $typist; wait"""
IMAGES = """cd /srv; truncate -s 16M raw.img; mkfs.ext4 -q raw.img; mount raw.img /mnt; echo below >/mnt/log; umount /mnt
qemu-img convert -O qcow2 -o compat=1.1 raw.img new.qcow2
qemu-img convert -O qcow2 -o compat=0.10 raw.img old.qcow2"""


def kvmtool(name, text="", words="", more="restart=no", shutdown=120):
    """It boots bzImages, and resets its machine by the keyboard's controller."""
    script = conf(name, text, words, f"hypervisor=kvmtool\n{more}")
    for was, now in ("/vmlinux", "/vmlinuz"), (" reboot=t", ""), ("shutdownTimeout=1\n", f"shutdownTimeout={shutdown}\n"):
        script = script.replace(was, now)
    return script


def ends(m, name, result):
    m.sh(f"systemctl stop microvm@{name}")
    equal("the result", m.sh(f"systemctl show -P Result microvm@{name}"), result)
    if "Killing process" in said(m, name):
        raise Failed("somebody was left to be killed")


def test_runs(m):
    m.sh(kvmtool("kt", "[volume data]\nsize=16\n[interface kt0]\ntype=tap\n[vsock]\ncid=auto\n",
                 "test.write=vda:hello test.read=vda test.tell=READY=1 test.shell", "restart=no\nreadiness=guest"))
    start(m, "kt")
    guest_says(m, "kt", "guest: ready")
    guest_says(m, "kt", "guest: read hello")
    mac = re.search("guest_mac=([0-9a-f:]+)", m.sh(f"tr '\\0' '\\n' </proc/$({MAIN}kt)/cmdline"))[1]
    guest_says(m, "kt", f"guest: net eth0 mac={mac}")


def test_has_a_console(m):
    m.sh(TYPE)
    guest_says(m, "kt", "^42")


def test_hands_keys_on(m):
    ends(m, "kt", "success")
    if not re.search("Emergency Sync.*Emergency Remount R/O.*Resetting", said(m, "kt"), re.DOTALL):
        raise Failed(said(m, "kt"))


def test_a_guest_without_sysrq(m):
    m.sh(kvmtool("kt", words="sysctl.kernel.sysrq=0", shutdown=10))
    start(m, "kt")
    guest_says(m, "kt", "guest: ready")
    ends(m, "kt", "exit-code")
    m.sh("journalctl -b -q -o cat -u microvm@kt | grep 'the guest has not shut down in 10 s'; systemctl reset-failed")


def test_a_reboot_and_a_crash_are_followed_by_a_start(m):
    m.sh(kvmtool("kt", words="test.do=reboot test.after=1", more="restart=always"))
    start(m, "kt")
    m.until("[ $(systemctl show -P NRestarts microvm@kt) -ge 1 ] && systemctl is-active microvm@kt")
    m.sh("systemctl stop microvm@kt")
    m.sh(kvmtool("kt", more="restart=always"))
    start(m, "kt")
    m.sh("systemctl kill -s KILL --kill-whom=main microvm@kt")
    m.until("[ $(systemctl show -P NRestarts microvm@kt) = 1 ] && systemctl is-active microvm@kt")
    guest_says(m, "kt", "guest: ready")
    m.sh("systemctl stop microvm@kt")


def test_images_that_it_reads(m):
    m.sh(IMAGES)
    volume = "[volume data]\nimage=/srv/%s.qcow2\nimageType=qcow2\nreadOnly=yes\n"
    m.sh(kvmtool("kt", volume % "new", "test.read=vda"))
    refused(m, "kt", "of qcow2 images kvmtool reads those of version 2")
    m.sh(kvmtool("kt", volume % "old", "test.read=vda"))
    start(m, "kt")
    guest_says(m, "kt", "guest: read below")
    m.sh("systemctl stop microvm@kt; systemctl reset-failed")
