# SPDX-License-Identifier: MIT
"""What tests say to the machine: files of MicroVMs, and what is to come of them."""

import re
import shlex

from machine import Failed

# The cards of the machine (machine.py).
NIC, EDU, PAIR0, PAIR1, PF, DISK = (
    f"0000:{a}" for a in ("01:00.0", "02:00.0", "03:00.0", "03:00.1", "04:00.0", "00:04.0"))
BOOT = "cryptomgr.notests tsc_early_khz=2000000 no_timer_check panic=-1 reboot=t quiet"


def conf(name, text="", words="", more="", patience=300):
    """A script that writes the file of a MicroVM of little memory: WORDS are for its kernel, MORE is of [microvm]; its start
    may take PATIENCE seconds."""
    return f"""mkdir -p /etc/microvm; cat >/etc/microvm/{name}.conf <<'END'
[microvm]
kernel=/usr/lib/microvm-test/vmlinux
initrdPath=/usr/lib/microvm-test/initrd
kernelParams={BOOT} {words}
mem=192
startupTimeout={patience}
shutdownTimeout=1
{more}
{text}
END
systemctl daemon-reload
"""


def card(address, more="", name="card"):
    """Its section: a PCI device."""
    return f"[device {name}]\nbus=pci\npath={address}\n{more}\n"


def remove(name):
    return f"systemctl stop microvm@{name}; rm /etc/microvm/{name}.conf; systemctl daemon-reload; systemctl reset-failed\n"


def clean(m):
    """What the tests of one file leave behind is nothing to those of the next."""
    m.sh("systemctl stop 'microvm@*' 'microvm-*@*'; rm -f /etc/microvm/* /etc/systemd/system/microvms.target.wants/*; "
         "systemctl daemon-reload; systemctl reset-failed; udevadm settle")


def equal(what, have, want):
    if have != want:
        raise Failed(f"{what} is '{have}', expected '{want}'")


def said(m, name):
    """The journal of a MicroVM's units, since the boot."""
    return m.sh(f"journalctl -b -q -o cat -u 'microvm@{name}.service' -u '*-*@{name}.service'")


def refused(m, name, pattern):
    """Its start fails, and the journal has the message."""
    status, _ = m.try_sh(f"systemctl start microvm@{name}")
    text = said(m, name)
    if status == 0:
        raise Failed("it starts")
    if not re.search(pattern, text):
        raise Failed(f"no '{pattern}' in:\n{text}")


def start(m, name):
    m.sh(f"systemctl start microvm@{name}")


# Whoever looked for it again and again would take from the guest what it boots with. The start may be another by now.
FOLLOW = """for i in {{1..56}}; do
timeout 5 bash -c 'exec 3< <(exec journalctl -q -o cat --follow --no-tail "$0")
grep -m 1 -E -e "$1" <&3; found=$?; kill $!; exit $found' \\
"_SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID microvm@{})" {} && exit
done
exit 1"""


def guest_says(m, name, pattern):
    """Waits for a line of the guest's since the MicroVM was started; returns it."""
    return m.sh(FOLLOW.format(name, shlex.quote(pattern)))


MONITOR = """
import json, socket
s = socket.socket(socket.AF_UNIX)
s.connect('/run/microvm/%s/control.sock')
f = s.makefile('rw')
f.readline()
for command in {'execute': 'qmp_capabilities'}, {'execute': 'human-monitor-command', 'arguments': {'command-line': '%s'}}:
    print(json.dumps(command), file=f, flush=True)
    answer = json.loads(f.readline())
print(answer['return'])
"""


def monitor(m, name, command):
    """What a MicroVM's qemu says."""
    return m.sh(f"python3 - <<'END'\n{MONITOR % (name, command)}END")


def driver_script(address):
    return f"readlink /sys/bus/pci/devices/{address}/driver 2>/dev/null | sed 's,.*/,,'"


def driver(m, address):
    return m.sh(driver_script(address))


def comes_to(m, address, name):
    """A stop of a MicroVM ends before its device is back."""
    m.until(f"[ \"$({driver_script(address)})\" = {name} ]")
