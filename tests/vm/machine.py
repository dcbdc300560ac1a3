# SPDX-License-Identifier: MIT
"""A VM with an emulated IOMMU: commands in it, devices plugged into it and pulled out of it."""

import base64
import ctypes
import json
import os
import pathlib
import socket
import subprocess
import time


# Until a test gives up: no measure of anything, as a machine that is busy can be very slow.
PATIENCE = 300


class Failed(Exception):
    pass


def die_with_parent():
    """Whatever ends us, the VM ends too: PR_SET_PDEATHSIG, SIGKILL."""
    ctypes.CDLL(None).prctl(1, 9)


class Lines:
    """A Unix socket that speaks in lines."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.socket.connect(str(path))
                break
            except OSError:
                if time.monotonic() > end:
                    raise Failed(f"{path} does not appear") from None
                time.sleep(0.05)
        self.rest = b""

    def write(self, line):
        self.socket.sendall(line + b"\n")

    def read(self, seconds):
        end = time.monotonic() + seconds
        while b"\n" not in self.rest:
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                more = self.socket.recv(65536)
            except TimeoutError:
                raise Failed(f"no answer within {seconds} s") from None
            if not more:
                raise Failed("the VM has ended")
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        return line


class Machine:
    def __init__(self, folder, image, installed, iommu=True):
        self.folder = pathlib.Path(folder)
        self.image = pathlib.Path(image)
        self.installed, self.iommu = installed, iommu
        self.process, self.number = None, 0

    def command(self):
        disk = self.folder / "root.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", self.image / "root", "-F", "raw", disk], check=True)
        # The kernel tries its timer for a moment, in which a busy machine may not run us at all.
        options = "console=ttyS0 cryptomgr.notests tsc_early_khz=2000000 no_timer_check nowatchdog panic=-1"
        qemu = os.environ["VM_QEMU"].split()
        # Its processor has AMD's extensions: the guests have KVM, else they would be emulated twice.
        return qemu + [
            "-M", "q35,accel=tcg,kernel-irqchip=split", "-cpu", "max", "-smp", "1", "-m", "1536", "-nodefaults", "-display", "none",
            *(["-device", "intel-iommu,intremap=on"] if self.iommu else []),
            "-kernel", self.image / "vmlinux", "-initrd", self.image / "initrd",
            "-append", options + (" intel_iommu=on" if self.iommu else ""),
            "-serial", f"file:{self.folder}/console",
            "-serial", f"unix:{self.folder}/agent,server=on,wait=off",
            "-qmp", f"unix:{self.folder}/qmp,server=on,wait=off",
            "-drive", f"if=none,id=root,file={disk},cache=unsafe", "-device", "nvme,drive=root,serial=root,addr=4",
            "-drive", f"if=none,id=build,file={self.installed},format=raw,readonly=on", "-device", "nvme,drive=build,serial=build,addr=5",
            *[word for n in range(1, 7) for word in
              ("-device", f"pcie-root-port,id=port{n},chassis={n},addr={n + 15:#x}")],
            "-device", "qemu-xhci,id=usb,addr=6",
            "-netdev", "user,id=net1,restrict=on", "-device", "e1000e,id=nic,bus=port1,netdev=net1,romfile=",
            "-device", "edu,id=edu,bus=port2",
            "-device", "edu,id=pair0,bus=port3,addr=0.0,multifunction=on",
            "-netdev", "user,id=net2,restrict=on", "-device", "e1000e,id=pair1,bus=port3,addr=0.1,netdev=net2,romfile=",
            "-netdev", "user,id=net3,restrict=on", "-device", "igb,id=igb,bus=port4,netdev=net3,romfile=",
        ]

    def start(self):
        self.process = subprocess.Popen([str(word) for word in self.command()], stdin=subprocess.DEVNULL,
                                        preexec_fn=die_with_parent)
        self.agent = Lines(self.folder / "agent")
        self.qmp_lines = Lines(self.folder / "qmp")
        self.qmp_lines.read(PATIENCE)
        self.qmp("qmp_capabilities")
        self.wait_booted()

    def wait_word(self):
        while not self.agent.read(PATIENCE).startswith(b"booted "):
            pass

    def wait_booted(self):
        """A boot that hangs is no fault of what is tested; it is told, and tried once more."""
        try:
            self.wait_word()
        except Failed:
            said = self.last_words().replace("\n", "\n#   ")
            print(f"# the VM hangs in its boot; once more. It has said:\n#   {said}", flush=True)
            self.qmp("system_reset")
            self.wait_word()
        self.sh("udevadm settle; systemctl is-system-running --wait || systemctl list-units --failed")

    def qmp(self, execute, **arguments):
        self.qmp_lines.write(json.dumps({"execute": execute, "arguments": arguments}).encode())
        while True:
            answer = json.loads(self.qmp_lines.read(PATIENCE))
            if "error" in answer:
                raise Failed(f"{execute}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def sh(self, script, seconds=PATIENCE):
        """Runs it in the VM; returns what it prints, fails with it."""
        status, output = self.try_sh(script, seconds)
        if status != 0:
            raise Failed(f"status {status} of: {script}\n{output}")
        return output

    def try_sh(self, script, seconds=PATIENCE):
        self.number += 1
        mark = f"answer {self.number}\n"
        self.agent.write(base64.b64encode(f"echo '{mark[:-1]}'\n{script}".encode()))
        end = time.monotonic() + seconds
        while True:
            answer = self.agent.read(max(0.01, end - time.monotonic())).split(b" ")
            if answer[0] != b"status":
                raise Failed(f"the agent says {answer}")
            output = base64.b64decode(answer[2]).decode(errors="replace")
            # Else it is that of a script that was given up.
            if output.startswith(mark):
                return int(answer[1]), output[len(mark):].rstrip("\n")

    def until(self, script, seconds=PATIENCE):
        """Waits in the VM until the script succeeds."""
        end = time.monotonic() + seconds
        while True:
            status, output = self.try_sh(script)
            if status == 0:
                return output
            if time.monotonic() > end:
                raise Failed(f"not within {seconds} s: {script}\n{output}")
            time.sleep(0.3)

    def reboot(self):
        self.agent.write(base64.b64encode(b"systemctl reboot --no-block"))
        self.wait_booted()

    def last_words(self):
        """Of the console."""
        return "\n".join((self.folder / "console").read_text(errors="replace").splitlines()[-20:])

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
