#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""microvm-ready and microvm-shutdown, as they are, against stand-ins for hypervisors: processes that speak the protocol of
crosvm's control socket (vm_control/src/lib.rs, base/src/sys/unix/tube.rs there) or of kvmtool's (kvm-ipc.c there), and do
it late, in pieces, wrongly or never. One that has no socket at all is judged by its CPU time.

usage: talks.py HELPERS     the folder of the helpers that were built
"""

import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HELPERS = sys.argv[1]
FOLDER = tempfile.mkdtemp(prefix="talks-", dir="/tmp")
SOCKET = f"{FOLDER}/control.sock"
TYPED = f"{FOLDER}/console.in"  # there before the hypervisor, as microvm-run makes it


# ---- what stand-ins are made of ----

def listen(kind):
    listener = socket.socket(socket.AF_UNIX, kind)
    listener.bind(SOCKET)
    listener.listen(5)
    return listener


def crosvm():
    return listen(socket.SOCK_SEQPACKET)


def kvmtool():
    return listen(socket.SOCK_STREAM)


def burn(seconds=0.5):
    """A virtual CPU, as the kernel sees one."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    time.sleep(60)


def vcpus():
    threading.Thread(target=burn, daemon=True).start()


def linger():
    time.sleep(60)


def replies(talk, request, reply):
    """One packet of crosvm's."""
    heard = talk.recv(65536).decode()
    if heard != request:
        os._exit(90)
    talk.send(reply.encode())


def exactly(talk, size):
    data = b""
    while len(data) < size:
        more = talk.recv(size - len(data))
        if not more:
            os._exit(91)
        data += more
    return data


def message(talk):
    """One message of kvmtool's, read as it reads one: the head at once, then the rest."""
    head = talk.recv(8)
    if len(head) != 8:
        os._exit(92)
    kind, length = struct.unpack("=II", head)
    return kind, exactly(talk, length)


def state(talk, number):
    if message(talk) != (8, b""):
        os._exit(93)
    talk.send(struct.pack("=i", number))


def key(talk):
    kind, data = message(talk)
    what, _cpu, char = struct.unpack("=IIc3x", data)
    return char.decode() if (kind, what) == (2, 4) else "?"


# ---- crosvm ----

RUNS = '{"VcpuPidTidResponse":{"pid_tid_map":{"0":[12,13]}}}'
ASK = '"VcpuPidTid"'
PRESS = '"Powerbtn"'


def crosvm_honest():
    talk = crosvm().accept()[0]
    replies(talk, ASK, RUNS)
    linger()


def crosvm_late():
    time.sleep(0.5)
    crosvm_honest()


def crosvm_refuses_first():
    listener = crosvm()
    listener.close()
    time.sleep(0.3)
    os.unlink(SOCKET)
    crosvm_honest()


def crosvm_answers_late():
    talk = crosvm().accept()[0]
    time.sleep(1.5)
    replies(talk, ASK, RUNS)
    linger()


def crosvm_many_vcpus():
    talk = crosvm().accept()[0]
    every = ",".join(f'"{n}":[{1000 + n},{2000 + n}]' for n in range(1000))
    replies(talk, ASK, '{"VcpuPidTidResponse":{"pid_tid_map":{' + every + "}}}")
    linger()


def crosvm_wrong_first():
    talk = crosvm().accept()[0]
    replies(talk, ASK, "HTTP/1.1 400 Bad Request\r\n\r\n")
    talk.send(b'"ok"')
    talk.send(b"{")
    replies(talk, ASK, RUNS)
    linger()


def crosvm_hangs_up():
    listener = crosvm()
    listener.accept()[0].close()
    replies(listener.accept()[0], ASK, RUNS)
    linger()


def crosvm_fails():
    listener = crosvm()
    talk = listener.accept()[0]
    talk.recv(100)
    os._exit(1)


def dies():
    os._exit(1)


def crosvm_stops():
    talk = crosvm().accept()[0]
    replies(talk, PRESS, '"Ok"')
    time.sleep(0.3)
    os._exit(0)


def crosvm_misses_a_press():
    talk = crosvm().accept()[0]
    replies(talk, PRESS, '"Ok"')
    replies(talk, PRESS, '"Ok"')
    os._exit(0)


def crosvm_has_no_button():
    talk = crosvm().accept()[0]
    while True:
        replies(talk, PRESS, '{"Err":95}')


def crosvm_deaf():
    talk = crosvm().accept()[0]
    talk.recv(100)
    linger()


def crosvm_vanishes():
    listener = crosvm()
    talk = listener.accept()[0]
    listener.close()
    os.unlink(SOCKET)
    talk.close()
    linger()


# ---- kvmtool ----

def kvmtool_honest():
    listener = kvmtool()
    vcpus()
    state(listener.accept()[0], 0)
    linger()


def kvmtool_pieces():
    listener = kvmtool()
    vcpus()
    talk = listener.accept()[0]
    if message(talk) != (8, b""):
        os._exit(93)
    for byte in struct.pack("=i", 0):
        talk.send(bytes([byte]))
        time.sleep(0.05)
    linger()


def kvmtool_paused_first():
    listener = kvmtool()
    vcpus()
    talk = listener.accept()[0]
    state(talk, 1)
    state(talk, 0)
    linger()


def kvmtool_device_fails():
    """It answers before it has its devices."""
    state(kvmtool().accept()[0], 0)
    time.sleep(0.3)
    os._exit(128)


def kvmtool_deaf_first():
    listener = kvmtool()
    vcpus()
    talk = listener.accept()[0]
    time.sleep(2.5)
    state(talk, 0)
    linger()


def kvmtool_hangs_up():
    listener = kvmtool()
    vcpus()
    talk = listener.accept()[0]
    message(talk)
    talk.send(b"\0\0")
    talk.close()
    state(listener.accept()[0], 0)
    linger()


def keyboard():
    """What is typed at its console."""
    return os.open(TYPED, os.O_RDWR)


def hands_on(talk, console):
    """A key that the guest gets: with what is typed behind it, and never with what is typed before."""
    char = key(talk)
    early = select.select([console], [], [], 0.1)[0]
    state(talk, 0)
    if os.read(console, 100) != b"\x11":
        os._exit(94)
    return None if early else char


def kvmtool_keys():
    console, talk = keyboard(), kvmtool().accept()[0]
    pressed = [(hands_on(talk, console), time.monotonic()) for _ in range(3)]
    far = all(b[1] - a[1] > 0.5 for a, b in zip(pressed, pressed[1:]))
    os._exit(0 if [p[0] for p in pressed] == ["s", "u", "b"] and far else linger())


def kvmtool_no_sysrq():
    talk = kvmtool().accept()[0]
    while True:
        key(talk)
        state(talk, 0)


def kvmtool_stops_paused():
    talk = kvmtool().accept()[0]
    while True:
        key(talk)
        state(talk, 1)


def kvmtool_vanishes():
    listener = kvmtool()
    listener.accept()[0].close()
    listener.close()
    os.unlink(SOCKET)
    linger()


# ---- alioth, which has no socket ----

def alioth_runs():
    time.sleep(0.5)
    vcpus()
    linger()


def alioth_fails():
    time.sleep(0.4)
    os._exit(1)


def alioth_sleeps():
    linger()


# ---- talking to them ----

number = 0


def stand_in(behave):
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        try:
            behave()
        finally:
            os._exit(99)
    return pid


def helper(program, words, pid, seconds):
    env = dict(os.environ, MAINPID=str(pid), RUNTIME_DIRECTORY=FOLDER)
    began = time.monotonic()
    try:
        run = subprocess.run([f"{HELPERS}/{program}", *words], env=env, stderr=subprocess.PIPE, text=True,
                             timeout=seconds, check=False)
        return run.returncode, run.stderr, time.monotonic() - began
    except subprocess.TimeoutExpired:
        return None, "", seconds


def judge(name, status, text, took, wanted, said, within):
    least, most = within
    good = status == wanted and re.search(said, text, re.DOTALL) and least <= took <= most
    if not good:
        print(f"# exit {status} after {took:.1f} s instead of {wanted} within {least} to {most} s; it said:")
        print("".join(f"# {line}\n" for line in text.splitlines()) + f"# and not '{said}'")
    print(f"{'ok' if good else 'not ok'} - talks, {name}")


def talk(name, hypervisor, behave, program, words, wanted, said, within):
    if os.path.exists(SOCKET):
        os.unlink(SOCKET)
    with open(f"{FOLDER}/state", "w", encoding="utf-8") as file:
        file.write(f"microvm.hypervisor={hypervisor}\nmicrovm.shutdownTimeout=8s\nmicrovm.socket={SOCKET}\n")
    pid = stand_in(behave)
    try:
        judge(name, *helper(program, words, pid, 50), wanted, said, within)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def ready(name, behave, wanted=0, said="^$", within=(0, 12)):
    hypervisor = behave.__name__.split("_")[0] if "_" in behave.__name__ else "crosvm"
    words = ["a", f"microvm.hypervisor={hypervisor}", f"microvm.socket={SOCKET}"]
    talk(f"{hypervisor}, ready: {name}", hypervisor, behave, "microvm-ready", words, wanted, said, within)


def stop(name, behave, wanted, said, within, hypervisor=None):
    hypervisor = hypervisor or behave.__name__.split("_")[0]
    talk(f"{hypervisor}, stop: {name}", hypervisor, behave, "microvm-shutdown", ["a"], wanted, said, within)


def main():
    sys.stdout.reconfigure(line_buffering=True)
    os.mkfifo(TYPED, 0o600)
    ready("an honest one", crosvm_honest)
    ready("a socket that is not there yet", crosvm_late)
    ready("a socket that refuses at first", crosvm_refuses_first)
    ready("an answer that is late", crosvm_answers_late, within=(1.4, 6))
    ready("more CPUs than fit into one reading", crosvm_many_vcpus)
    ready("wrong answers first", crosvm_wrong_first, within=(0.9, 9))
    ready("a connection that is lost", crosvm_hangs_up)
    ready("one that ends before it answers", crosvm_fails, 1, "crosvm ended before it answered")
    ready("one that ends at once", dies, 1, "crosvm ended before it answered")
    ready("an honest one", kvmtool_honest)
    ready("an answer in pieces", kvmtool_pieces)
    ready("paused at first", kvmtool_paused_first, said="the guest is paused")
    ready("an answer that is late", kvmtool_deaf_first, within=(2.4, 8))
    ready("a connection that is lost in mid answer", kvmtool_hangs_up)
    ready("a device that fails behind the answer", kvmtool_device_fails, 1, "kvmtool ended before its guest ran")
    ready("CPUs that run once the devices are there", alioth_runs, within=(0.5, 6))
    ready("a device that fails", alioth_fails, 1, "alioth ended before its guest ran", (0.3, 6))
    ready("a guest that sleeps", alioth_sleeps, within=(2, 9))

    stop("as it should be", crosvm_stops, 0, "asked the guest to shut down.*crosvm has ended", (0.2, 7))
    stop("a press that the guest missed", crosvm_misses_a_press, 0, "asked.*has ended", (1.9, 6))
    stop("no button, as on arm", crosvm_has_no_button, 1, "crosvm refuses.*not shut down in 8 s", (7.9, 14))
    stop("no answer", crosvm_deaf, 1, "does not answer.*not shut down in 8 s", (7.9, 14))
    stop("a socket that vanishes", crosvm_vanishes, 1, "cannot be reached.*not shut down in 8 s", (7.9, 14))
    stop("ended already", dies, 0, "", (0, 3), "crosvm")
    stop("three keys, with time between them", kvmtool_keys, 0, "SysRq.*kvmtool has ended", (3.9, 7.5))
    stop("a guest that knows no keys", kvmtool_no_sysrq, 1, "not shut down in 8 s", (7.9, 14))
    stop("a guest that is paused", kvmtool_stops_paused, 1, "kvmtool refuses.*not shut down in 8 s", (7.9, 14))
    stop("a socket that vanishes", kvmtool_vanishes, 1, "cannot be reached.*not shut down in 8 s", (7.9, 14))
    stop("nobody to ask", alioth_sleeps, 1, "alioth has no way to ask", (0, 6))
    stop("nobody to ask", linger, 1, "stratovirt has no way to ask", (0, 6), "stratovirt")
    subprocess.run(["rm", "-rf", FOLDER], check=True)


main()
