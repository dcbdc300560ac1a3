# SPDX-License-Identifier: MIT
"""Guests that their hypervisor cannot ask to shut down: their systemd is asked over vsock, by root alone."""

import base64
import pathlib
import re

from lib import conf, equal, guest_says, remove, said, start
from machine import Failed

STAND_IN = pathlib.Path(__file__).parent.parent / "stand-in.py"
PREPARE = """base64 -d >/usr/local/bin/alioth <<'END'
%s
END
chmod 755 /usr/local/bin/alioth; ln -s alioth /usr/local/bin/stratovirt"""
# Connects, and waits until the guest hangs up.
KNOCK = """setpriv --reuid %s python3 -c '
import socket
for i in range(%d):
    knock = socket.socket(socket.AF_VSOCK)
    knock.settimeout(60)
    knock.connect((%d, 28023))
    knock.recv(1)'"""


def debian(name, hypervisor, cid):
    """One whose init is Debian 13's systemd."""
    text = conf(name, f"[vsock]\ncid={cid}\n", "rdinit=/usr/lib/systemd/systemd",
                f"hypervisor={hypervisor}\nreadiness=guest\nshutdownTimeout=200")
    text = text.replace("shutdownTimeout=1\n", "").replace("microvm-test/initrd", "microvm-test/systemd-initrd")
    return text.replace("vmlinux", "vmlinuz") if hypervisor == "stratovirt" else text


def number(m, name):
    return int(m.sh(f"sed -n 's/^vsock.cid=//p' /run/microvm/{name}/state"))


def has(text, pattern):
    if not re.search(pattern, text, re.DOTALL):
        raise Failed(f"no '{pattern}' in:\n{text}")


def stops(m, name, last_words):
    """As it should: asked, its services one after another, by itself."""
    m.sh(f"systemctl stop microvm@{name}")
    has(said(m, name), f"asked the guest's systemd over vsock to shut down.*guest: services are stopped.*{last_words}.* has ended")
    equal("the result", m.sh(f"systemctl show -P Result microvm@{name}"), "success")
    if re.search("by a signal|Killing process", said(m, name)):
        raise Failed(said(m, name))


def test_a_guest_that_runs(m):
    m.sh(PREPARE % base64.encodebytes(STAND_IN.read_bytes()).decode())
    m.sh(debian("al", "alioth", "auto"))
    start(m, "al")
    guest_says(m, "al", "guest: services are there")


def test_nobody_but_root_can_ask(m):
    """Not even root from a port that everybody could have."""
    run = m.sh("systemctl show -P InvocationID microvm@al")
    m.sh(KNOCK % ("nobody", 3, number(m, "al")))
    m.sh(KNOCK % ("root", 1, number(m, "al")))
    m.sh("systemctl is-active microvm@al")
    equal("its run", m.sh("systemctl show -P InvocationID microvm@al"), run)
    if "services are stopped" in said(m, "al"):
        raise Failed(said(m, "al"))


def test_it_is_asked_when_its_file_is_gone(m):
    m.sh("rm /etc/microvm/al.conf; systemctl daemon-reload")
    stops(m, "al", "Power down")


def test_one_that_ends_with_a_reboot(m):
    """And whose file names another hypervisor by now."""
    m.sh(debian("st", "stratovirt", "77"))
    start(m, "st")
    m.sh("sed -i s/stratovirt/qemu/ /etc/microvm/st.conf; systemctl daemon-reload")
    stops(m, "st", "Restarting system")
    equal("its state", m.sh("systemctl show -P ActiveState microvm@st"), "inactive")
    m.sh(remove("st"))


def test_a_guest_that_does_not_listen(m):
    """And of which somebody has written that it has another's number."""
    for name in "one", "two":
        m.sh(conf(name, "[vsock]\ncid=%d\n" % {"one": 101, "two": 102}[name], more="hypervisor=alioth\nrestart=no"))
        start(m, name)
    m.sh("sed -i s/^vsock.cid=102/vsock.cid=101/ /run/microvm/two/state; systemctl stop microvm@two")
    has(said(m, "two"), "101 is the address of another guest as well: nobody is asked.*alioth is now ended by a signal")
    equal("the other's state", m.sh("systemctl show -P ActiveState microvm@one"), "active")
    m.sh("systemctl stop microvm@one")
    has(said(m, "one"), "the guest cannot be asked over vsock to shut down .*alioth is now ended by a signal")
    equal("the result", m.sh("systemctl show -P Result microvm@one"), "exit-code")
    m.sh(remove("one") + remove("two"))
