#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Stands in for crosvm, kvmtool, stratovirt and alioth inside of the real unit, where they would need KVM: it tells of
its surroundings on the console, speaks the control protocol of the one whose command line it was given, and ends as the
guest's reboot (SIGUSR1) or the power button wants it."""

import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import sys
import termios
import threading
import time

words = sys.argv[1:]
keys = []


def say(text):
    os.write(1, f"guest: {text}\r\n".encode())


def after(option):
    return words[words.index(option) + 1]


def terminal():
    try:
        termios.tcsetattr(0, termios.TCSANOW, termios.tcgetattr(0))
        return "a terminal" if os.isatty(1) else "half a terminal"
    except termios.error:
        return "no terminal"


def lock(path):
    with open(path, "r+b") as image:
        try:
            fcntl.flock(image, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return "free"
        except OSError:
            return "locked"


def listen(path, kind):
    server = socket.socket(socket.AF_UNIX, kind)
    server.bind(path)
    server.listen(5)
    while True:
        yield server.accept()[0]


def serve(path, kind, answer):
    def talk():
        for client in listen(path, kind):
            while answer(client):
                pass
    threading.Thread(target=talk, daemon=True).start()


def vcpu():
    def burn():
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            pass
        time.sleep(1000)
    threading.Thread(target=burn, daemon=True).start()


def crosvm(client):
    request = client.recv(4096)
    if request == b'"Powerbtn"':
        client.send(b'"Ok"')
        os._exit(0)
    if request:
        client.send(b'{"VcpuPidTidResponse":{"pid_tid_map":{"0":[1,1]}}}')
    return request


def kvmtool(client):
    head = client.recv(8)
    if len(head) < 8:
        return False
    kind, length = struct.unpack("=II", head)
    data = client.recv(length) if length else b""
    if kind == 8:
        client.send(struct.pack("=i", 0))
    if kind == 2:
        keys.append(chr(data[8]))
    return True


def look_for_keys():
    """As kvmtool does it: the one that was noted last, and not before something is typed."""
    while os.read(0, 1):
        key = keys.pop() if keys else None
        say(f"key {key}")
        if key == "b":
            say("last words")
            os._exit(0)


def stratovirt(client):
    client.send(b'{"QMP":{"version":{"qemu":{"micro":1,"minor":0,"major":5},"package":"StratoVirt"},"capabilities":[]}}\r\n')
    while True:
        line = client.recv(4096)
        if not line:
            return False
        request = json.loads(line)
        # serde refuses the whole request when the id is no text.
        if not isinstance(request.get("id", ""), str):
            client.send(b'{"error":{"class":"GenericError","desc":"invalid type"}}\r\n')
            continue
        value = {"running": True, "status": "running"} if request["execute"] == "query-status" else {}
        client.send((json.dumps({"return": value, "id": request.get("id")}) + "\r\n").encode())


def main():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    if "--name" in words and "--extended-status" in words:
        ctypes.CDLL(None).prctl(15, after("--name").encode(), 0, 0, 0)
    say(f"{terminal()}, called {open('/proc/self/comm', encoding='utf-8').read().strip()}")
    if "--extended-status" in words:
        images = [word.split("path=")[1].split(",")[0] for word in words if word.startswith("path=")]
        serve(after("--socket"), socket.SOCK_SEQPACKET, crosvm)
    elif "--nodefaults" in words:
        images = [after("--disk")] if "--disk" in words else []
        vcpu()
        threading.Thread(target=look_for_keys, daemon=True).start()
        serve(f"{os.environ['HOME']}/.lkvm/{after('--name')}.sock", socket.SOCK_STREAM, kvmtool)
    elif "-qmp" in words:
        images = []
        serve(after("-qmp")[5:].split(",")[0], socket.SOCK_STREAM, stratovirt)
    else:
        images = [word.split("path=")[1].split(",")[0] for word in words if word.startswith("file,path=")]
        vcpu()
    for image in images:
        say(f"{os.path.basename(image)} is {lock(image)}")
    signal.sigwait([signal.SIGUSR1])
    os._exit(32 if "--extended-status" in words else 0)


main()
