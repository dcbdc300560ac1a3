#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Stands in for cloud-hypervisor and firecracker inside of the real unit, and for a guest whose systemd tells over vsock how
far it has come. The guest does what its kernel's command line asks for, in this order:

  test.tell=WORD   one message; "unit:NAME", "ready", or anything
  test.wait=SECONDS
  test.end=STATUS  the hypervisor ends

Port 22 of the guest is /srv/sshd.sock, where that is.
"""

import json
import os
import socket
import sys
import threading
import time

words = sys.argv[1:]
GUEST_SSHD = "/srv/sshd.sock"
MESSAGES = {"ready": "READY=1\nSTATUS=Ready."}


def say(text):
    os.write(1, f"guest: {text}\n".encode())


def after(option):
    return words[words.index(option) + 1]


def options(text):
    return dict(part.partition("=")[::2] for part in text.split(","))


def asked():
    """The kernel's command line, the guest's number and the socket of its vsock, as each of the two is told."""
    if "--config-file" in words:
        with open(after("--config-file"), encoding="utf-8") as file:
            config = json.load(file)
        return config["boot-source"]["boot_args"], config["vsock"]["guest_cid"], config["vsock"]["uds_path"]
    vsock = options(after("--vsock"))
    return after("--cmdline"), int(vsock["cid"]), vsock["socket"]


def api(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(5)
    while True:
        client = listener.accept()[0]
        request = client.recv(4096)
        state = '{"state": "Running"}'
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(state), state.encode()))
        if b"power-button" in request or b"SendCtrlAltDel" in request:
            os._exit(0)


def pass_on(source, sink):
    while data := source.recv(65536):
        sink.sendall(data)
    sink.shutdown(socket.SHUT_WR)


def connect(client):
    """One that wants a port of the guest: it is answered with the host's port, or hung up on."""
    asked_for = client.makefile("rb", buffering=0).readline()
    guest = socket.socket(socket.AF_UNIX)
    try:
        if asked_for != b"CONNECT 22\n":
            raise ConnectionRefusedError
        guest.connect(GUEST_SSHD)
    except OSError:
        client.close()
        return
    client.sendall(b"OK 1073741824\n")
    threading.Thread(target=pass_on, args=(client, guest), daemon=True).start()
    threading.Thread(target=pass_on, args=(guest, client), daemon=True).start()


def ports(listener):
    while True:
        connect(listener.accept()[0])


def tell(path, message):
    """As sd_notify(3): one connection, and then the other side's close is waited for."""
    talk = socket.socket(socket.AF_UNIX)
    talk.settimeout(20)
    try:
        talk.connect(path)
    except OSError:
        say(f"nobody hears {message!r}")
        return
    talk.sendall(message.encode())
    talk.shutdown(socket.SHUT_WR)
    try:
        say(f"told {message!r}" if talk.recv(1) == b"" else "was answered")
    except TimeoutError:
        say("is left alone")
    talk.close()


def live(line, vsock):
    notify = next((word.rsplit(":", 1)[1] for word in line.split() if "vmm.notify_socket:vsock-stream:2:" in word), None)
    for word in line.split():
        key, _, value = word.partition("=")
        if key == "test.tell":
            value = f"X_SYSTEMD_UNIT_ACTIVE={value[5:]}" if value.startswith("unit:") else MESSAGES.get(value, value)
            tell(f"{vsock}_{notify}", value)
        elif key == "test.wait":
            time.sleep(float(value))
        elif key == "test.end":
            os._exit(int(value))


def main():
    if "--version" in words:
        print("Firecracker v1.16.1" if "firecracker" in sys.argv[0] else "cloud-hypervisor v53.0")
        return
    line, cid, vsock = asked()
    say(f"has the number {cid}")
    # Neither takes the socket of another over.
    mux = socket.socket(socket.AF_UNIX)
    mux.bind(vsock)
    mux.listen(5)
    threading.Thread(target=ports, args=(mux,), daemon=True).start()
    control = after("--api-sock") if "--api-sock" in words else options(after("--api-socket"))["path"]
    threading.Thread(target=api, args=(control,), daemon=True).start()
    live(line, vsock)
    time.sleep(1000)


main()
