# SPDX-License-Identifier: MIT
"""What becomes of a configuration: the real generator's units, and what the real microvm-run would start from them."""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import tempfile

top = pathlib.Path(__file__).resolve().parent.parent.parent
build = pathlib.Path(os.environ.get("BUILD", top / "build")).resolve()
generator, microvm = build / "generator/microvm-generator", build / "command/microvm"
helpers = build / "helpers"

hypervisors = ["qemu", "cloud-hypervisor", "firecracker", "crosvm", "kvmtool", "stratovirt", "alioth"]


class Made:
    """One MicroVM: what was said of it, its units, its command line and its configuration file."""

    def __init__(self):
        self.said, self.units, self.words = [], {}, None
        self.argv, self.config, self.refused = None, None, False

    def prepared(self):
        """All of the units but the words that microvm-run, and those who read the same words, get."""
        return {name: re.sub(r'^ExecStart=:\S*/microvm-run( \\\n .*)*', "", text, flags=re.M)
                for name, text in self.units.items()}


def unquoted(word):
    """A word as unit_exec() quotes it, for systemd's reader."""
    word = word.replace("%%", "%")
    return re.sub(r'\\(x[0-9a-f]{2}|.)', lambda m: chr(int(m[1][1:], 16)) if m[1][0] == "x" else m[1], word)


def words_of(unit):
    """The words of the ExecStart= that runs microvm-run."""
    match = re.search(r'^ExecStart=:\S*/microvm-run((?: \\\n  "(?:[^"\\]|\\.)*")*)', unit, re.M)
    return [unquoted(word) for word in re.findall(r'"((?:[^"\\]|\\.)*)"', match.group(1))] if match else None


def stub(folder, name, version):
    """A binary that says its version."""
    path = pathlib.Path(folder) / name
    path.write_text(f"#!/bin/sh\necho '{version}'\n")
    path.chmod(0o755)
    return path


def run(words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, check=False)


def command_of(made):
    """Asks microvm-run for what it would become."""
    printed = run([helpers / "microvm-run", "--print", *made.words])
    made.said += printed.stderr.splitlines()
    made.refused = printed.returncode != 0
    if made.refused:
        return
    made.argv = printed.stdout.splitlines()
    if any(word.endswith("/config.json") for word in made.argv):
        made.config = json.loads(run([helpers / "microvm-run", "--print-config", *made.words]).stdout)


def make_one(text):
    """Of the file of a MicroVM called web."""
    made = Made()
    with tempfile.TemporaryDirectory(prefix="hypervisors-") as scratch:
        root, out = pathlib.Path(scratch) / "root", pathlib.Path(scratch) / "out"
        (root / "etc/microvm").mkdir(parents=True)
        out.mkdir()
        (root / "etc/microvm/web.conf").write_text(text)
        # A host that has all that MicroVMs can be told of.
        (root / "usr/lib/systemd").mkdir(parents=True)
        (root / "usr/lib/systemd/systemd-machined").touch()
        ran = subprocess.run([generator, out, out, out], capture_output=True, text=True, timeout=60, check=False,
                             env={"MICROVM_ROOT": str(root), "LC_ALL": "C.UTF-8"})
        made.said = ran.stderr.splitlines()
        for path in sorted(out.rglob("*")):
            if path.is_symlink() or path.is_file():
                made.units[str(path.relative_to(out))] = "" if path.is_symlink() else path.read_text()
    made.words = words_of(made.units.get("microvm@web.service.d/50-microvm.conf", ""))
    made.refused = any(line.startswith("<3>") for line in made.said)
    if not made.refused and made.words:
        command_of(made)
    return made


def make(confs):
    """name -> text of its file, to name -> Made. Each alone, so that none claims what is another's."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(confs, pool.map(make_one, confs.values())))
