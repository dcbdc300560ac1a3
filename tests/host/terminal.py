#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""terminal.py STEP... -- COMMAND...: runs a command on a pseudo terminal, as somebody who sits there. The steps are done in
their order, the output goes to standard output, and the exit status is the command's.

  --expect TEXT   waits until it is shown, behind what was expected before
  --type TEXT     types it
  --signal NAME   sends a signal to the command
  --run LINE      has a shell run it
  --modes-kept    at the end, fails unless the terminal is as it was
"""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time

PATIENCE = 60


class Session:
    def __init__(self, command):
        self.master, self.other = pty.openpty()
        self.before = termios.tcgetattr(self.other)
        self.seen, self.at = b"", 0
        self.process = subprocess.Popen(command, stdin=self.other, stdout=self.other, stderr=self.other,
                                        start_new_session=True)

    def read(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        data = os.read(self.master, 65536)
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        self.seen += data
        return True

    def expect(self, text):
        end = time.monotonic() + PATIENCE
        while (found := self.seen.find(text.encode(), self.at)) < 0:
            ended = self.process.poll() is not None
            if not self.read(0.1) and (ended or time.monotonic() > end):
                sys.exit(f"terminal.py: '{text}' was not shown")
        self.at = found + len(text)

    def type(self, text):
        os.write(self.master, text.encode())

    def signal(self, name):
        self.process.send_signal(getattr(signal, f"SIG{name}"))

    def run(self, line):
        subprocess.Popen(line, shell=True)

    def finish(self, modes_kept):
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            self.read(0.1)
            if time.monotonic() > end:
                self.process.kill()
                sys.exit("terminal.py: the command does not end")
        while self.read(0):
            pass
        if modes_kept and termios.tcgetattr(self.other) != self.before:
            sys.exit("terminal.py: the terminal is not as it was")
        return self.process.returncode


def main():
    split = sys.argv.index("--")
    session, words = Session(sys.argv[split + 1:]), sys.argv[1:split]
    modes_kept = "--modes-kept" in words
    words = [word for word in words if word != "--modes-kept"]
    for option, value in zip(words[::2], words[1::2]):
        getattr(session, option[2:])(value)
    sys.exit(session.finish(modes_kept))


main()
