#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""cycles.py NAME COUNT [SEED]: starts and stops a MicroVM, at random moments and by the death of random processes of it,
and compares what the host has before and after.

Most cycles end before the guest is up. The moments and victims follow from SEED, which is printed; what is alive at a
moment does not, so the same seed makes a similar run and not the same."""

import collections
import glob
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

LOOK_AGAIN = 20  # seconds for what ends behind a stop: companions, workers of udev, connections of PID 1
UNITS = ("microvm@", "install-microvm@", "microvm-tap-interfaces@", "microvm-macvtap-interfaces@", "microvm-virtiofsd@")
# Comes and goes with the host itself; or is systemd's own, when what is killed has not become a program of ours yet
# (namespace-, an empty folder of systemd 257), or udev's, which sees loop devices come and go.
UNSTEADY = re.compile(r"/(systemd-udevd|make-nodes|init)\.(service|scope)")
PASSING = re.compile(r"/run/(udev|log/journal|systemd/(journal|units/invocation:|propagate|transient|namespace-))"
                     r"|/dev/(disk|block)(/|$)|/sys/fs/cgroup/system.slice/run-")


def run(*command):
    return subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


def lines(path):
    return pathlib.Path(path).read_text(errors="replace").splitlines()


def processes():
    """By name."""
    names = []
    for folder in glob.glob("/proc/[0-9]*"):
        try:
            if not UNSTEADY.search(pathlib.Path(folder, "cgroup").read_text()):
                names.append(pathlib.Path(folder, "comm").read_text().strip())
        except OSError:
            pass
    return names


def namespaces():
    found = set()
    for link in glob.glob("/proc/[0-9]*/ns/*"):
        try:
            found.add(os.readlink(link))
        except OSError:
            pass
    return [kind.split(":")[0] for kind in found]


def mounts():
    """Of all namespaces: each mount has a number of its own."""
    found = {}
    for table in glob.glob("/proc/[0-9]*/mountinfo"):
        try:
            for line in lines(table):
                words = line.split()
                found[words[0]] = words[4]
        except OSError:
            pass
    return [place for place in found.values() if "/systemd/unit-private" not in place]


def locks():
    """Those that a process took; one of an open file has none (-1), and could be another host's: see open_files()."""
    taken = [line.split() for line in lines("/proc/locks")]
    return [" ".join(words[1:4] + words[5:6]) for words in taken if words[4] != "-1"]


def open_files():
    found = []
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            found.append(os.readlink(link))
        except OSError:
            pass
    return [name for name in found if name.startswith(("/srv/", "/var/lib/microvms/", "/run/microvm"))]


def sockets():
    """Those with a name: others are the descriptors of processes."""
    names = [line.split()[7:] for line in lines("/proc/net/unix")[1:]]
    return [name[0] for name in names if name and "journal" not in name[0]]


def files():
    found = []
    for top in ("/run", "/var/lib/microvms", "/var/lib/private", "/srv", "/dev", "/tmp", "/var/tmp", "/sys/fs/cgroup"):
        for folder, folders, names in os.walk(top):
            found += [f"{folder}/{name}" for name in folders + [name for name in names if top != "/sys/fs/cgroup"]]
    return [name for name in found if not PASSING.match(name)]


def units():
    shown = run("systemctl", "list-units", "--all", "--plain", "--no-legend", "--no-pager")
    words = [line.split() for line in shown.splitlines()]
    return [" ".join(w[:4]) for w in words if "microvm" in w[0] or w[0].endswith(".device") or w[2] == "failed"]


def access():
    return run("getfacl", "-cpnR", "/srv", "/var/lib/microvms").splitlines()


def descriptors():
    """Of PID 1, by kind."""
    kinds = []
    for link in glob.glob("/proc/1/fd/*"):
        try:
            kinds.append(re.sub(r"[0-9]+", "N", os.readlink(link)))
        except OSError:
            pass
    return [kind for kind in kinds if not kind.startswith("/proc/N/fd")]


def interfaces():
    return os.listdir("/sys/class/net")


LOOKS = (interfaces, mounts, namespaces, locks, open_files, sockets, processes, files, units, access, descriptors)


def snapshot():
    return {look.__name__: collections.Counter(look()) for look in LOOKS}


def differences(before, after):
    for kind, was in before.items():
        for what in sorted((after[kind] - was).keys() | (was - after[kind]).keys()):
            yield f"{kind}: {what}: {was[what]} before, {after[kind][what]} after"


def steady():
    """A snapshot that the next one is equal to."""
    before, now = None, snapshot()
    while before != now:
        time.sleep(0.5)
        before, now = now, snapshot()
    return now


def settled(before):
    """The differences that stay."""
    end = time.monotonic() + LOOK_AGAIN
    while True:
        left = list(differences(before, snapshot()))
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.2)


class MicroVM:
    def __init__(self, name):
        self.name, self.unit = name, f"microvm@{name}.service"

    def forget_failures(self):
        """They count against the limit of starts, and keep a unit loaded."""
        run("systemctl", "reset-failed", *(f"{unit}{self.name}*" for unit in UNITS))

    def begin(self, *options):
        self.forget_failures()
        run("systemctl", "start", *options, self.unit)

    def stop(self):
        run("systemctl", "stop", self.unit)
        state = run("systemctl", "show", "-P", "ActiveState", self.unit).strip()
        if state not in ("inactive", "failed"):
            raise SystemExit(f"{self.unit} is {state} after its stop")

    def processes(self):
        """Of all its units, helpers too."""
        found = []
        for unit in UNITS:
            for table in glob.glob(f"/sys/fs/cgroup/system.slice/system-*/{unit}{self.name}*/**/cgroup.procs", recursive=True):
                try:
                    found += [int(pid) for pid in pathlib.Path(table).read_text().split()]
                except OSError:
                    pass
        return found

    def kill_any(self, choose, seconds):
        """Kills one of its processes as soon as there is one; tells whom."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            alive = self.processes()
            if alive:
                victim = choose.choice(alive)
                try:
                    name = pathlib.Path(f"/proc/{victim}/comm").read_text().strip()
                    os.kill(victim, signal.SIGKILL)
                    return name
                except OSError:
                    pass
        return None


def stop_while_it_starts(vm, choose):
    vm.begin("--no-block")
    time.sleep(choose.uniform(0, 0.5))
    vm.stop()
    return ["stopped while it starts"]


def stop_while_it_runs(vm, choose):
    vm.begin()
    time.sleep(choose.uniform(0, 0.3))
    vm.stop()
    return ["stopped while it runs"]


def kill_while_it_starts(vm, choose):
    vm.begin("--no-block")
    time.sleep(choose.uniform(0, 0.3))
    victims = [vm.kill_any(choose, 0.5)]
    if choose.random() < 0.3:  # and once more, in what follows
        time.sleep(choose.uniform(0, 0.05))
        victims.append(vm.kill_any(choose, 0.2))
    vm.stop()
    return victims


def kill_while_it_runs(vm, choose):
    vm.begin()
    time.sleep(choose.uniform(0, 0.1))
    victims = [vm.kill_any(choose, 0.5)]
    time.sleep(choose.uniform(0, 0.1))
    vm.stop()
    return victims


def kill_while_it_stops(vm, choose):
    vm.begin()
    with subprocess.Popen(["systemctl", "stop", vm.unit], stderr=subprocess.DEVNULL) as stop:
        time.sleep(choose.uniform(0, 0.25))
        victims = [vm.kill_any(choose, 0.1)]
        stop.wait()
    vm.stop()
    return victims


KINDS = (stop_while_it_starts, stop_while_it_runs, kill_while_it_starts, kill_while_it_starts, kill_while_it_runs,
         kill_while_it_stops)


def main():
    name, count = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    choose, vm = random.Random(seed), MicroVM(name)
    vm.begin()  # whatever is made once
    vm.stop()
    vm.forget_failures()
    victims, before = collections.Counter(), steady()
    began = time.monotonic()
    for _ in range(count):
        victims.update(str(victim) for victim in choose.choice(KINDS)(vm, choose))
    took = time.monotonic() - began
    vm.forget_failures()
    left = settled(before)
    print(f"{count} cycles in {took:.0f} s; {dict(victims)}")
    print("\n".join(left))
    sys.exit(1 if left else 0)


main()
