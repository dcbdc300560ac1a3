# SPDX-License-Identifier: MIT
"""Runs the tests in t/: each file is a theme, each function test_* of it a test, in their order; a test begins with the
machine as the one before left it. Files share machines that are alike (MACHINE of the file, as Machine takes it), and are
dealt out to LANES machines that run side by side. One whose SKIP is a reason is told, and left out.

usage: suite.py IMAGE SCRATCH [FILE|FILE/TEST...]
"""

import pathlib
import runpy
import shutil
import sys
import threading
import time
import traceback

from lib import clean
from machine import Failed, Machine

LANES = 2
SHOW_JOURNAL = "journalctl -b -q --no-pager -o short-monotonic -u 'microvm*' -u 'sys-bus*' -u 'install*' | tail -n 60"


class File:
    def __init__(self, path, names):
        self.name = path.stem.split("-", 1)[1]
        module = runpy.run_path(str(path))
        self.machine, self.skip = module.get("MACHINE", {}), module.get("SKIP")
        self.tests = [(name[5:], test) for name, test in module.items() if name.startswith("test_")]
        if names and self.name not in names:
            self.tests = [(name, test) for name, test in self.tests if f"{self.name}/{name}" in names]


class Lane(threading.Thread):
    """One machine at a time, and the files that are run in it."""

    def __init__(self, number, files, image, scratch):
        super().__init__()
        self.files, self.image, self.scratch = files, image, scratch
        self.folder = scratch / f"machine{number}"
        self.machine, self.booted, self.failed = None, None, False

    def run(self):
        try:
            while file := self.next_file():
                self.run_file(file)
        finally:
            self.end_machine()

    def next_file(self):
        """One for the machine that is there, if any is left; threads take turns at a list's methods."""
        for file in [f for f in self.files if f.machine == self.booted] + list(self.files):
            try:
                self.files.remove(file)
                return file
            except ValueError:
                pass  # the other lane has it
        return None

    def end_machine(self):
        if self.machine:
            self.machine.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def boot(self, file):
        self.end_machine()
        self.folder.mkdir()
        self.booted = file.machine
        self.machine = Machine(self.folder, self.image, self.scratch / "build.tar", **file.machine)
        self.machine.start()

    def run_file(self, file):
        if self.booted != file.machine and not self.run_test(f"{file.name}/boot", lambda m: self.boot(file)):
            self.booted = None
            return
        for name, test in file.tests:
            self.run_test(f"{file.name}/{name}", test)
        self.run_test(f"{file.name}/clean", clean)

    def run_test(self, name, test):
        began = time.monotonic()
        try:
            test(self.machine)
        except Exception as error:  # whatever it is, the next test may tell more
            self.show_failure(name, error)
            return False
        print(f"# {time.monotonic() - began:.0f} s\nok - vm/{name}", flush=True)
        return True

    def show_failure(self, name, error):
        details = str(error) if isinstance(error, Failed) else traceback.format_exc()
        try:
            details += "\n" + self.machine.sh(SHOW_JOURNAL, 60)
        except Exception as another:
            details += f"\nno journal: {another}\n" + self.machine.last_words()
        print("\n".join([f"not ok - vm/{name}"] + ["#   " + line for line in details.splitlines()]), flush=True)


def main():
    image, scratch, names = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
    files = [File(path, names) for path in sorted((pathlib.Path(__file__).parent / "t").glob("*.py"))]
    files = [file for file in files if file.tests]
    if not files:
        sys.exit(f"suite.py: there is no {' '.join(names)}")
    for file in files:
        if file.skip:
            print(f"skip - vm/{file.name} # {file.skip}", flush=True)
    files = [file for file in files if not file.skip]
    lanes = [Lane(number, files, image, scratch) for number in range(min(LANES, len(files)))]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()


main()
