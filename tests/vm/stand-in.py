#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Called with the command line of alioth or stratovirt: becomes a qemu with the same devices, which ends when that
would. Neither has a way to tell its guest to shut down."""

import os
import sys

words = sys.argv[1:]


def values(*options):
    """Of each of these options, in their order: its parts, "a,b=c" as {"a": "", "b": "c"}."""
    for option, value in zip(words, words[1:]):
        if option in options:
            yield dict(part.partition("=")[::2] for part in value.split(","))


def alioth():
    """It ends with a poweroff, and reboots inside."""
    memory = next(values("--memory"))["size"]
    cids = [vsock["cid"] for vsock in values("--vsock")]
    kernel, initrd, line = (words[words.index(option) + 1] for option in ("--pvh", "--initramfs", "--cmdline"))
    return memory, cids, kernel, initrd, line, []


def stratovirt():
    """It ends with a reboot."""
    cids = [device["guest-cid"] for device in values("-device") if "vhost-vsock-device" in device]
    memory, kernel, initrd, line, control = (
        words[words.index(option) + 1] for option in ("-m", "-kernel", "-initrd", "-append", "-qmp"))
    # Its own machine has no PCI, which is where qemu's devices are.
    line = line.replace("pci=off", "")
    return memory, cids, kernel, initrd, line, ["-no-reboot", "-qmp", control]


if "-version" in words:
    sys.exit(print("StratoVirt 2.5.0"))
size, numbers, image, first, parameters, more = alioth() if words[0] == "boot" else stratovirt()
devices = [word for number in numbers for word in ("-device", f"vhost-vsock-pci,guest-cid={number}")]
os.execvp("qemu-system-x86_64", [
    "qemu-system-x86_64", "-M", "q35,accel=kvm", "-cpu", "host", "-nodefaults", "-display", "none", "-m", size,
    "-kernel", image, "-initrd", first,
    "-append", parameters, "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console", *devices, *more])
