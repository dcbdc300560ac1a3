# SPDX-License-Identifier: MIT
"""kvmtool's own parser (util/parse-options.c there) as a judge of its command lines, beside our grammar, where an lkvm is on
the machine. It reads options one after another and starts what they say when it has read the last; one that it does not
know, behind all others, has it end there. So what it says of that one says that it has taken those before."""

import re
import shutil
import subprocess

program = shutil.which("lkvm")
unknown = "an-option-that-nobody-has"

# Each is refused by another function of its parser.
bad = [
    ["--virtio-fs", "/srv/x"],
    ["--rng=1"],
    ["--mem", "512X"],
    ["--loglevel", "loud"],
    ["--network", "mode=tap,queues=2"],
    ["--vfio-pci", "01:00"],
    ["--disk", "/srv/x"] * 5,
    ["/boot/another-kernel"],
]


def ask(words, folder):
    """What it has against them; nothing, if nothing."""
    # A folder that is shared has to be there.
    words = [re.sub("^[^,]*", folder, word, count=1) if before == "--9p" else word for before, word in zip([None, *words], words)]
    ran = subprocess.run([program, *words, f"--{unknown}"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         timeout=60, check=False, env={"HOME": folder})
    if ran.returncode == 129 and f"unknown option `{unknown}'" in ran.stderr:
        return []
    said = ran.stderr.strip().splitlines()
    return [f"lkvm itself refuses it: {said[0].strip() if said else f'exit {ran.returncode}'}: {words}"]


def judge(argv, folder):
    return ask(argv[1:], folder) if program else []


def mistaken(folder):
    """What it should refuse, and does not."""
    return [f"takes {words}" for words in bad if not ask(["run", "--kernel", "/boot/kernel", *words], folder)]
