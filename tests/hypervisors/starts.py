#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What microvm-run hands over when it becomes a hypervisor: it starts stand-ins, which write down what they find.

usage: starts.py HELPERS     the folder of the helpers that were built
"""

import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

HELPERS = sys.argv[1]

STAND_IN = r"""#!/usr/bin/python3
import fcntl, json, os, stat, sys, termios, time
if sys.argv[1:] == ["--version"]:
    print("cloud-hypervisor " + os.environ["RELEASE"])
    sys.exit()
found = {"argv": sys.argv[1:], "comm": open("/proc/self/comm").read().strip(), "home": os.environ.get("HOME")}
try:
    mode = termios.tcgetattr(0)
    termios.tcsetattr(0, termios.TCSANOW, mode)
    found["terminal"] = True
except termios.error:
    found["terminal"] = False
found["stdin blocks"] = found["terminal"] and not __import__("select").select([0], [], [], 0.2)[0]
found["stdout"] = "a terminal" if os.isatty(1) else "none"
print("console output", flush=True)
for path in [word.split("path=")[1].split(",")[0] for word in sys.argv if word.startswith("file,path=")]:
    image = open(path, "r+b")
    try:
        fcntl.flock(image, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found["locks"] = True
    except OSError:
        found["locks"] = False
if found["home"] and os.path.islink(found["home"] + "/.lkvm"):
    found["sockets"] = os.path.realpath(found["home"] + "/.lkvm")
open(os.environ["FACTS"] + "~", "w").write(json.dumps(found))
os.rename(os.environ["FACTS"] + "~", os.environ["FACTS"])
if os.environ.get("TALKS"):
    keys = b""
    while len(keys) < 256:
        keys += os.read(0, 1000)
    os.set_blocking(0, False)
    sys.stdout.buffer.write(keys + b"".join(b"line %d\n" % n for n in range(20000)) + b"last words")
    sys.exit()
time.sleep(60)
"""

BZIMAGE = bytes(0x202) + b"HdrS" + bytes(100)
ELF = b"\x7fELF" + bytes(1000)


class Stage:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.runtime = self.folder / "run"
        self.runtime.mkdir()
        self.facts = self.folder / "facts"
        self.stand_in = self.folder / "stand-in"
        self.stand_in.write_text(STAND_IN)
        self.stand_in.chmod(0o755)
        (self.folder / "bzImage").write_bytes(BZIMAGE)
        (self.folder / "vmlinux").write_bytes(ELF)
        (self.folder / "text").write_text("no kernel\n" * 100)
        (self.folder / "a.img").write_bytes(bytes(1 << 20))
        self.running = []

    def start(self, hypervisor, *words, kernel="bzImage", runtime=None, release="v53.0", talks=""):
        """Returns what the stand-in found, and the process; without a stand-in what was said."""
        runtime = runtime or self.runtime
        if self.facts.exists():
            self.facts.unlink()
        words = [f"microvm.hypervisor={hypervisor}", f"{hypervisor}.package={self.stand_in}",
                 f"microvm.kernel={self.folder / kernel}", f"microvm.stateDir={self.folder}", *words]
        if hypervisor != "alioth":
            words.append(f"microvm.socket={runtime}/control.sock")
        process = subprocess.Popen([f"{HELPERS}/microvm-run", "a", *words], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=dict(os.environ, RUNTIME_DIRECTORY=str(runtime), FACTS=str(self.facts),
                                            RELEASE=release, TALKS=talks))
        for _ in range(1000):
            if self.facts.exists():
                self.running.append(process)
                return json.loads(self.facts.read_text()), process
            if process.poll() is not None:
                return None, process.stderr.read()
            time.sleep(0.02)
        return None, "nothing came"

    def stop(self):
        for process in self.running:
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.running = []


def result(name, good, *details):
    print(f"{'ok' if good else 'not ok'} - starts, {name}")
    for detail in details if not good else []:
        print(f"# {detail}")


def found(stage, name, hypervisor, wanted, *words, **options):
    facts, process = stage.start(hypervisor, *words, **options)
    good = facts is not None and all(facts.get(key) == value for key, value in wanted.items())
    result(f"{hypervisor}: {name}", good, facts, process if facts is None else "")
    return process


def refused(stage, name, hypervisor, text, *words, **options):
    facts, said = stage.start(hypervisor, *words, **options)
    result(f"{hypervisor}: {name}", facts is None and text in said, facts, said)


def terminals(stage):
    for hypervisor in ("cloud-hypervisor", "crosvm", "kvmtool", "stratovirt", "alioth"):
        process = found(stage, "a terminal to read and write", hypervisor,
                        {"terminal": True, "stdin blocks": True, "stdout": "a terminal"})
        stage.stop()
        result(f"{hypervisor}: the console's output arrives, as it is", process.stdout.buffer.read() == b"console output\n")
    found(stage, "no terminal", "firecracker", {"terminal": False})
    stage.stop()


def children(process):
    return [int(pid) for pid in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def ignores(pid, number):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^SigIgn:\s*(\w+)", status, re.MULTILINE)[1], 16) >> (number - 1) & 1


def end_in_vain(pid):
    """Once it runs."""
    for _ in range(1000):
        if ignores(pid, signal.SIGTERM):
            break
        time.sleep(0.02)
    os.kill(pid, signal.SIGTERM)


def read_all(fd, ret):
    while more := os.read(fd, 65536):
        ret.append(more)
        time.sleep(0.001)
    os.close(fd)


def copy_of(stage, ret):
    """Somebody who is attached before the start."""
    fifo = stage.runtime / "console.out"
    fifo.unlink(missing_ok=True)
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    return threading.Thread(target=read_all, args=(reader, ret))


def consoles(stage):
    """All bytes there are, in either direction, whoever reads slowly, and the last ones too."""
    keys = bytes(range(256))
    shown = b"console output\n" + keys + b"".join(b"line %d\n" % n for n in range(20000)) + b"last words"
    seen, copied = [], []
    copy = copy_of(stage, copied)
    process = found(stage, "its terminal is a console", "kvmtool", {"terminal": True}, talks="yes")
    copy.start()
    relays = children(process)
    for pid in relays:
        end_in_vain(pid)
    (stage.runtime / "console.in").write_bytes(keys)
    read_all(os.dup(process.stdout.fileno()), seen)
    copy.join()
    result("a console's bytes", b"".join(seen) == shown, len(b"".join(seen)), len(shown))
    result("a console's bytes, for who is attached", b"".join(copied) == shown, len(b"".join(copied)), len(shown))
    result("one process has the terminal, and ends with the hypervisor",
           len(relays) == 1 and not pathlib.Path(f"/proc/{relays[0]}/exe").exists(), relays)
    stage.stop()
    (stage.runtime / "console.out").unlink()


def names(stage):
    found(stage, "the process is called microvm@a", "kvmtool", {"comm": "microvm@a"})
    stage.stop()
    found(stage, "or not", "kvmtool", {"comm": "stand-in"}, "microvm.prettyProcnames=no")
    stage.stop()


def locks(stage):
    other = stage.folder / "other"
    other.mkdir()
    volume = "volume.a"
    found(stage, "locks its volumes itself", "alioth", {"locks": True}, volume)
    refused(stage, "which others meet", "crosvm", "is in use", volume, runtime=other)
    stage.stop()
    found(stage, "has its volumes locked", "crosvm", {}, volume)
    refused(stage, "which others meet", "alioth", "is in use", volume, runtime=other)
    stage.stop()
    found(stage, "the locks end with it", "stratovirt", {}, volume)
    stage.stop()


def sockets(stage):
    found(stage, "its control socket is ours", "kvmtool",
          {"home": str(stage.runtime), "sockets": str(stage.runtime)})
    stage.stop()
    found(stage, "its control socket is ours, the next time too", "kvmtool", {"sockets": str(stage.runtime)})
    stage.stop()


def kernels(stage):
    for hypervisor in ("kvmtool", "stratovirt"):
        refused(stage, "an ELF kernel", hypervisor, "is an ELF file", kernel="vmlinux")
        refused(stage, "what is no kernel", hypervisor, "is no kernel", kernel="text")
    facts, said = stage.start("alioth", kernel="vmlinux")
    result("alioth: an ELF kernel", facts and "--pvh" in facts["argv"] and "--kernel" not in facts["argv"], facts, said)
    stage.stop()
    found(stage, "an ELF kernel", "crosvm", {}, kernel="vmlinux")
    stage.stop()


def qcow2(version, backing, crypt):
    return struct.pack(">4sIQIIQI", b"QFI\xfb", version, backing, 0, 16, 1 << 20, crypt) + bytes(1 << 12)


def images(stage):
    """A guest can write to the first bytes of its disk that it is a qcow2 image with a backing file."""
    image = stage.folder / "a.img"
    honest = image.read_bytes()
    image.write_bytes(b"QFI\xfb" + honest[4:])
    for hypervisor, release in ("crosvm", ""), ("kvmtool", ""), ("cloud-hypervisor", "v50.0"):
        refused(stage, "a raw image that says it is none", hypervisor, "begins as a qcow2 image", "volume.a", release=release)
    told = {"cloud-hypervisor": "v51.0", "stratovirt": "", "alioth": ""}
    for hypervisor, release in told.items():
        found(stage, "whatever a raw image says, it is told", hypervisor, {}, "volume.a", release=release)
        stage.stop()
    found(stage, "one that is meant to be one", "crosvm", {}, "volume.a", "volume.a.imageType=qcow2")
    stage.stop()
    for name, head in ("another version", (3, 0, 0)), ("a backing file", (2, 112, 0)), ("encryption", (2, 0, 1)):
        image.write_bytes(qcow2(*head))
        refused(stage, f"a qcow2 image with {name}", "kvmtool", "of qcow2 images kvmtool reads",
                "volume.a.imageType=qcow2", "volume.a.readOnly=yes")
    image.write_bytes(qcow2(2, 0, 0))
    found(stage, "a qcow2 image that it reads", "kvmtool", {}, "volume.a.imageType=qcow2", "volume.a.readOnly=yes")
    stage.stop()
    image.write_bytes(honest)
    found(stage, "a raw image that is one", "cloud-hypervisor", {}, "volume.a", release="v50.0")
    stage.stop()


def main():
    sys.stdout.reconfigure(line_buffering=True)
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError as error:
        print(f"skip - starts # /dev/kvm cannot be opened: {error.strerror}")
        return
    with tempfile.TemporaryDirectory(prefix="starts-", dir="/var/tmp") as folder:
        stage = Stage(folder)
        try:
            for part in (terminals, consoles, names, locks, sockets, kernels, images):
                part(stage)
        finally:
            stage.stop()


main()
