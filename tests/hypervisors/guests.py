# SPDX-License-Identifier: MIT
"""microvm-ready, as it is, while a guest comes up behind a hypervisor that has its vsock as a Unix socket: a guest that
tells in pieces, late, never, too much, and one whose hypervisor ends. What it writes is what systemd 257 was seen to."""

import concurrent.futures
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time

import subject

READY = b"READY=1\nSTATUS=Ready."


class Guest:
    """A hypervisor's process, and a guest that connects to a port of the host, as firecracker lets it: the port is in the
    path. Nobody may be there: then it is refused, as the guest's kernel would."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.process = subprocess.Popen(["sleep", "60"])
        self.refused, self.left_alone = False, False

    def port(self):
        end = time.monotonic() + 10
        while not (self.folder / "notify").exists():
            if time.monotonic() > end:
                raise TimeoutError("nobody listens")
            time.sleep(0.005)
        return int((self.folder / "notify").read_text())

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(8)
        connection.connect(f"{self.folder}/vsock.sock_{self.port()}")
        return connection

    def tell(self, *pieces, pause=0.0, half_close=True):
        """One message, and as sd_notify() does it then: the other side's close is waited for."""
        with self.connect() as connection:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            try:
                self.left_alone |= connection.recv(1) != b""
            except TimeoutError:
                self.left_alone = True
            except ConnectionResetError:
                pass

    def end(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def boots(guest):
    for unit in b"sysinit.target", b"basic.target", b"multi-user.target":
        guest.tell(b"X_SYSTEMD_UNIT_ACTIVE=" + unit)
    guest.tell(READY)


def in_pieces(guest):
    guest.tell(*[READY[at:at + 3] for at in range(0, len(READY), 3)], pause=0.01)


def late(guest):
    time.sleep(2)
    guest.tell(READY)


def without_end(guest):
    """The end of a message is not passed on by every release of cloud-hypervisor."""
    guest.tell(b"X_SYSTEMD_UNIT_ACTIVE=basic.target", half_close=False)
    guest.tell(READY, half_close=False)


def at_once(guest):
    """More connections than are heard at a time; those that say nothing are in nobody's way."""
    silent = [guest.connect() for _ in range(12)]
    talks = [threading.Thread(target=guest.tell, args=(b"X_SYSTEMD_UNIT_ACTIVE=%d.service" % n,)) for n in range(40)]
    for talk in talks:
        talk.start()
    for talk in talks:
        talk.join()
    guest.tell(READY)
    for connection in silent:
        connection.close()


def hangs_up(guest):
    with guest.connect() as connection:
        connection.sendall(b"READ")
    guest.connect().close()
    guest.tell(b"Y=1")
    guest.tell(READY)


def too_much(guest):
    try:
        guest.tell(b"X" * 100000)
    except OSError:
        pass
    guest.tell(READY)


def bytes_of_all_kinds(guest):
    guest.tell(b"STATUS=\x1b[31m\xff\x00\r\n\n=\nREADY=10\n READY=1\nREADY=\n")
    time.sleep(0.3)
    guest.end()


def emergency(guest):
    guest.tell(b"X_SYSTEMD_UNIT_ACTIVE=emergency.target")
    guest.tell(READY)


def last_words(guest):
    """Up, and gone at once: it was up."""
    guest.tell(READY)
    guest.end()


def ends(guest):
    guest.tell(b"X_SYSTEMD_UNIT_ACTIVE=basic.target")
    time.sleep(0.2)
    guest.end()


def ends_at_once(guest):
    guest.port()
    guest.end()


def stuck(guest):
    guest.tell(b"X_SYSTEMD_UNIT_ACTIVE=basic.target")


def stuck_oddly(guest):
    guest.tell(b"STATUS=\x1b[31mred\xff" + b"x" * 1000)


def dumb(guest):
    guest.port()


def ended_in_time(guest):
    """The hypervisor gets its signal first."""
    guest.port()
    time.sleep(1.1)
    guest.end()


UP = r"^<6>the guest is up after \d+ ms$"
LATE = r"has not told in 1 s that it is up \(READY=1 over vsock\); "
# name, what the guest does, exit code, what is said, seconds from, to, SIGTERM after so many seconds
stories = [
    ("boots", boots, 0, UP, 0, 5, None),
    ("tells in pieces", in_pieces, 0, UP, 0, 5, None),
    ("is late", late, 0, UP, 2, 7, None),
    ("does not end its messages", without_end, 0, UP, 0.25, 6, None),
    ("tells a lot at once", at_once, 0, UP, 0, 9, None),
    ("hangs up in mid message", hangs_up, 0, UP, 0, 6, None),
    ("tells too much", too_much, 0, UP, 0, 6, None),
    ("tells what is none of it", bytes_of_all_kinds, 1, "^<3>firecracker ended before its guest was up$", 0.2, 6, None),
    ("comes to an emergency", emergency, 0, "<4>the guest's boot has failed: it is at its emergency.target", 0, 5, None),
    ("is gone when it is up", last_words, 0, UP, 0, 5, None),
    ("ends before", ends, 1, "^<3>firecracker ended before its guest was up$", 0.2, 6, None),
    ("ends at once", ends_at_once, 1, "^<3>firecracker ended before its guest was up$", 0, 6, None),
    ("is not waited for any more", dumb, 0, r"^<5>the guest has not told in 0 s", 0, 6, 0.3),
    ("is stuck", stuck, 1, LATE + "the last that it told: basic.target$", 1.1, 7, 1.2),
    ("is stuck with odd words", stuck_oddly, 1, LATE + r"the last that it told: \\x1b\[31mred\\xffx{190}", 1.1, 7, 1.2),
    ("is ended when the time is over", ended_in_time, 1, LATE + "it has told nothing", 1.1, 7, None),
    ("never tells", dumb, 1, LATE + "it has told nothing: its systemd has to be 254 or later", 1.1, 7, 1.2),
]


def run(story):
    _, behave, _, pattern, _, _, term = story
    patience = 1 if pattern.startswith(LATE) else 60
    with tempfile.TemporaryDirectory(prefix="guests-") as folder:
        guest = Guest(folder)
        command = [subject.helpers / "microvm-ready", "web", "microvm.hypervisor=firecracker", "microvm.readiness=guest",
                   f"microvm.startupTimeout={patience}s", "vsock.cid=3"]
        began = time.monotonic()
        ready = subprocess.Popen(command, stderr=subprocess.PIPE, text=True,
                                 env={"MAINPID": str(guest.process.pid), "RUNTIME_DIRECTORY": folder})
        try:
            behave(guest)
            if term:
                time.sleep(max(0, began + term - time.monotonic()))
                ready.send_signal(signal.SIGTERM)
            said = ready.communicate(timeout=20)[1]
        finally:
            ready.kill()
            took = time.monotonic() - began
            guest.end()
        left = os.listdir(folder)
        return ready.returncode, said, took, guest.left_alone, left


def judge(story):
    name, _, code, pattern, least, most, _ = story
    details = []
    try:
        got, said, took, left_alone, left = run(story)
    except (OSError, subprocess.TimeoutExpired, TimeoutError) as error:
        return f"a guest that {name}", [repr(error)]
    if got != code:
        details.append(f"exit code {got}, not {code}")
    if not subject.re.search(pattern, said, subject.re.M):
        details.append(f"does not say '{pattern}'")
    if any(not line.isprintable() for line in said.splitlines()):
        details.append("says what cannot be shown")
    if not least <= took <= most:
        details.append(f"took {took:.1f} s, not {least} to {most}")
    if left_alone:
        details.append("the guest waits for the end of its message")
    if left:
        details.append(f"left behind: {left}")
    return f"a guest that {name}", details + ([f"said: {said}"] if details else [])


def results():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        yield from pool.map(judge, stories)
