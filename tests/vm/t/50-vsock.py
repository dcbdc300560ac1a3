# SPDX-License-Identifier: MIT
"""The kernel's vsock: numbers that are free and that are not, and guests that tell when they are up."""

import re

from lib import conf, equal, guest_says, refused, remove, said
from machine import Failed

AUTO = "[vsock]\ncid=auto\n"
UP = "test.tell=X_SYSTEMD_UNIT_ACTIVE=basic.target test.tell=READY=1 test.tell=STOPPING=1"
# Holds a number as any other hypervisor would: VHOST_VSOCK_SET_GUEST_CID.
HOLD = """systemd-run --quiet --unit=hold --service-type=exec -- python3 -uc '
import fcntl, struct, sys, time
device = open("/dev/vhost-vsock", "r+b", 0)
fcntl.ioctl(device, 0x4008af60, struct.pack("=Q", %d))
print("held")
time.sleep(1000)'
until journalctl -q -o cat -u hold | grep held; do sleep 0.3; done"""
# Tells the port from the host itself, over the loopback.
PRETEND = """modprobe vsock_loopback; python3 -c '
import socket
talk = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
talk.connect((1, %s))
talk.sendall(b"READY=1")
talk.shutdown(socket.SHUT_WR)
talk.recv(1)' || true"""


def number(m, name):
    return int(m.sh(f"sed -n 's/^vsock.cid=//p' /run/microvm/{name}/state | head -n 1"))


def guest_port(m, name):
    """Where that guest is waited for, as it is told."""
    m.until(f"[ $(systemctl show -P MainPID microvm@{name}) != 0 ] && "
            f"tr '\\0' '\\n' </proc/$(systemctl show -P MainPID microvm@{name})/cmdline | grep vsock-stream", 60)
    line = m.sh(f"tr '\\0' '\\n' </proc/$(systemctl show -P MainPID microvm@{name})/cmdline | grep vsock-stream")
    return re.search(r"vsock-stream:2:(\d+)", line)[1]


def test_several_guests_are_up(m):
    """On both kinds of bus that a guest can have, and both at once."""
    m.sh(conf("web", AUTO + "[qemu]\nmachine=q35\n", UP, "readiness=guest"))
    m.sh(conf("db", AUTO + "[qemu]\nmachine=microvm\n", UP, "readiness=guest"))
    m.sh("systemctl start microvm@web microvm@db", 310)
    for name in "web", "db":
        guest_says(m, name, "guest: told READY=1")
        m.sh(f"journalctl -b -q -o cat -u microvm@{name} | grep -E 'the guest is up after [0-9]+ ms'")
        # The port is closed then, and who tells more is not left waiting.
        guest_says(m, name, "guest: nobody hears STOPPING=1")
        equal(f"{name} has a number of the upper half", number(m, name) >= 1 << 31, True)
    equal("the same number", number(m, "web") == number(m, "db"), False)
    m.sh("systemctl stop microvm@web microvm@db", 60)


def test_a_number_that_is_taken(m):
    m.sh(conf("web", AUTO))
    m.sh("systemctl start microvm@web", 60)
    first = number(m, "web")
    m.sh("systemctl stop microvm@web", 60)
    m.sh(HOLD % first)
    m.sh("systemctl start microvm@web", 60)
    equal("the number beside it", number(m, "web"), first + 1)
    m.sh(conf("db", f"[vsock]\ncid={first}\n", more="restart=no"))
    refused(m, "db", rf"\[vsock\] cid: {first} is the address of another guest of this host; write another, or auto")
    m.sh("systemctl stop microvm@web hold", 60)
    m.sh(remove("db"))


def test_the_number_is_free_again(m):
    m.sh("systemctl start microvm@web", 60)
    first = number(m, "web")
    m.sh("systemctl restart microvm@web", 60)
    equal("the number after a restart", number(m, "web"), first)
    m.sh("systemctl stop microvm@web", 60)


def test_a_guest_that_never_tells(m):
    m.sh(conf("web", AUTO, more="readiness=guest\nrestart=no", patience=40))
    refused(m, "web", r"the guest has not told in \d+ s that it is up .*its systemd has to be 254 or later")


def test_another_cannot_tell(m):
    """Neither a guest nor the host itself."""
    m.sh(conf("web", AUTO, more="readiness=guest\nrestart=no"))
    m.sh("systemctl start --no-block microvm@web")
    port = guest_port(m, "web")
    m.sh(PRETEND % port)
    m.until("journalctl -b -q -o cat -u microvm@web | grep -E 'who tells .* has cid 1, and the guest has [0-9]+: not heard'")
    m.sh(conf("liar", AUTO, f"test.tell={port}:READY=1"))
    m.sh("systemctl start microvm@liar", 60)
    guest_says(m, "liar", "guest: (told|nobody hears) READY=1")
    m.until(f"journalctl -b -q -o cat -u microvm@web | grep 'has cid {number(m, 'liar')}, and the guest has {number(m, 'web')}: not heard'")
    equal("the state of the one that is waited for", m.sh("systemctl show -P ActiveState microvm@web"), "activating")
    m.sh("systemctl stop microvm@web microvm@liar", 60)
    equal("what is said of it", "the guest is up after" in said(m, "web").split("Starting")[-1], False)


def hears(m, name, pattern):
    """What somebody who wants to log in gets of it."""
    _, text = m.try_sh(f"timeout 50 microvm ssh {name} -v true </dev/null", 60)
    if not re.search(pattern, text):
        raise Failed(f"no '{pattern}' in:\n{text}")


def test_ssh_reaches_the_right_guest(m):
    """By systemd's proxy and, where there is none, by our own."""
    for name in "web", "db":
        m.sh(conf(name, AUTO + "ssh.enable=yes\n", f"test.answer=22:SSH-2.0-guest-{name}"))
        m.sh(f"systemctl start microvm@{name}", 60)
    for name in "web", "db":
        guest_says(m, name, "guest: answering at 22")
    for name in "web", "db":
        hears(m, name, rf"(?s)systemd-ssh-proxy vsock/{number(m, name)} .*remote software version guest-{name}\s")
    m.sh("mount --bind /dev/null /usr/lib/systemd/systemd-ssh-proxy")
    try:
        for name in "web", "db":
            hears(m, name, rf"(?s)microvm-ssh-proxy {name} .*remote software version guest-{name}\s")
        hears(m, "web -p 23", r"microvm-ssh-proxy: nobody listens on port 23 of vsock in the guest of web \(yet\)")
    finally:
        m.sh("umount /usr/lib/systemd/systemd-ssh-proxy")
    m.sh("systemctl stop microvm@web microvm@db", 60)
    hears(m, "web", "web does not run")
