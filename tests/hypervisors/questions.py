#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""microvm balloon and microvm power reset, as they are, against stand-ins for four hypervisors. Each has a guest that gives
memory bit by bit, speaks its vendor's protocol, and refuses what that does not know; and it answers late, in pieces,
wrongly, never, or is gone in the middle.

usage: questions.py
"""

import concurrent.futures
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import schema  # noqa: E402
import subject  # noqa: E402

MIB = 1 << 20
MEM = 512 * MIB
RUN = pathlib.Path("/run/microvm")


class Wrong(Exception):
    """A request that the vendor's program would not understand."""


class Guest:
    """What the balloon is to have, and how far it has got. It gives a part each time that somebody looks."""

    def __init__(self, gives=MEM):
        self.has, self.wanted, self.gives, self.resets = 0, 0, gives, 0

    def look(self):
        step = 48 * MIB
        goal = min(self.wanted, self.gives)
        self.has = min(self.has + step, goal) if self.has < goal else max(self.has - step, goal)
        return self.has

    def ask_for(self, size):
        if not 0 <= size < MEM:
            raise Wrong(f"a balloon of {size}")
        self.wanted = size


# ---- four languages: a request is done for the guest, and what came of it is told ----

class Http:
    kind = socket.SOCK_STREAM
    garbage = b"hello\r\n\r\n"
    buffer = b""

    def greet(self, connection):
        del connection

    def request(self, connection):
        head = b""
        while b"\r\n\r\n" not in head:
            more = connection.recv(4096)
            if not more:
                raise ConnectionError
            head += more
        head, _, body = head.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        while len(body) < int(fields.get(b"content-length", 0)):
            body += connection.recv(4096)
        method, path, version = head.split(b"\r\n")[0].decode().split(" ")
        if version != "HTTP/1.1":
            raise Wrong(version)
        problem = schema.judge_request(self.name, method, path, body.decode())
        if problem:
            raise Wrong(problem)
        return method, path, json.loads(body) if body else None

    def say(self, status, value=None):
        head = f"HTTP/1.1 {status} \r\nServer: stand-in\r\nConnection: keep-alive\r\n"
        if value is None:
            return f"{head}\r\n".encode()
        body = json.dumps(value)
        return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


class CloudHypervisor(Http):
    name = "cloud-hypervisor"
    hotplugged = 0

    def value(self, number):
        return self.say(200, {"config": {"balloon": {"size": 0}}, "state": "Running", "memory_actual_size": number})

    def do(self, request, guest):
        method, path, body = request
        if (method, path) == ("GET", "/api/v1/vm.info"):
            left = MEM - guest.look() + self.hotplugged
            return self.say(200, {"config": {"balloon": {"size": guest.wanted}}, "state": "Running",
                                  "memory_actual_size": left})
        if (method, path) == ("PUT", "/api/v1/vm.reboot") and body is None:
            guest.resets += 1
        else:
            guest.ask_for(body["desired_balloon"])
        return self.say(204)

    def refusal(self):
        return self.say(500, ["Error from API", "VM is not running"])


class Firecracker(Http):
    name = "firecracker"

    def value(self, number):
        return self.say(200, {"amount_mib": number, "deflate_on_oom": True})

    def do(self, request, guest):
        method, path, body = request
        if path != "/balloon":
            raise Wrong(path)
        if method == "GET":
            return self.value(guest.wanted // MIB)
        guest.ask_for(body["amount_mib"] * MIB)
        return self.say(204)

    def refusal(self):
        return self.say(400, {"fault_message": "Balloon device not found."})


class Crosvm:
    """Of VmRequest and BalloonControlCommand in vm_control/src/lib.rs; a packet is one value of JSON."""
    name, kind = "crosvm", socket.SOCK_SEQPACKET
    garbage = b"hello"

    def greet(self, connection):
        del connection

    def request(self, connection):
        packet = connection.recv(65536)
        if not packet:
            raise ConnectionError
        return json.loads(packet)

    def value(self, number):
        stats = {"swap_in": None, "free_memory": 1, "total_memory": MEM}
        return json.dumps({"BalloonStats": {"stats": stats, "balloon_actual": number}}).encode().replace(b": ", b":")

    def do(self, request, guest):
        if request == {"BalloonCommand": "Stats"}:
            return self.value(guest.look())
        adjust = request["BalloonCommand"]["Adjust"]
        if set(request["BalloonCommand"]) != {"Adjust"} or set(adjust) != {"num_bytes", "wait_for_success"}:
            raise Wrong(str(request))
        guest.ask_for(adjust["num_bytes"])
        return b'"Ok"'

    def refusal(self):
        return b'{"Err":95}'


class Stratovirt:
    """Of machine_manager/src/qmp: a reply ends with CR LF, an unknown member is an error, an id is a text."""
    name, kind = "stratovirt", socket.SOCK_STREAM
    garbage = b"hello\r\n"

    def __init__(self):
        self.id = None

    def greet(self, connection):
        version = {"version": {"StratoVirt": {"micro": 0, "minor": 5, "major": 2}, "package": "StratoVirt-2.5.0"},
                   "capabilities": []}
        connection.sendall(json.dumps({"QMP": version}).encode() + b"\r\n")
        request = self.request(connection)
        if request["execute"] != "qmp_capabilities":
            raise Wrong(str(request))
        connection.sendall(self.say({}))

    def request(self, connection):
        line = connection.recv(4096)
        if not line:
            raise ConnectionError
        request = json.loads(line)
        if set(request) - {"execute", "arguments", "id"} or not isinstance(request["id"], str):
            raise Wrong(str(request))
        self.id = request["id"]
        return request

    def say(self, value):
        return json.dumps({"return": value, "id": self.id}).encode() + b"\r\n"

    def value(self, number):
        return self.say({"actual": number})

    def do(self, request, guest):
        if request["execute"] == "query-balloon":
            return self.value(MEM - guest.look())
        if request["execute"] != "balloon" or set(request["arguments"]) != {"value"}:
            raise Wrong(str(request))
        guest.ask_for(MEM - request["arguments"]["value"])
        return self.say({})

    def refusal(self):
        error = {"class": "DeviceNotActive", "desc": "No balloon device has been activated"}
        return json.dumps({"error": error, "id": self.id}).encode() + b"\r\n"


languages = [CloudHypervisor, Firecracker, Crosvm, Stratovirt]


# ---- how an answer is given ----

def honest(talk, connection, answer):
    del talk
    connection.sendall(answer)


def late(talk, connection, answer):
    time.sleep(2.5)
    honest(talk, connection, answer)


def in_pieces(talk, connection, answer):
    del talk
    for byte in answer:
        connection.sendall(bytes([byte]))
        time.sleep(0.002)


def after_garbage(talk, connection, answer):
    connection.sendall(talk.language.garbage)
    honest(talk, connection, answer)


def garbage(talk, connection, answer):
    del answer
    connection.sendall(talk.language.garbage)


def refused(talk, connection, answer):
    del answer
    connection.sendall(talk.language.refusal())


def saying(number):
    def answer_with(talk, connection, answer):
        del answer
        connection.sendall(talk.language.value(number))
    return answer_with


def hangs_up(talk, connection, answer):
    del talk, answer
    connection.shutdown(socket.SHUT_RDWR)


def hangs_up_in_the_middle(talk, connection, answer):
    connection.sendall(answer[:len(answer) // 2])
    hangs_up(talk, connection, answer)


def never(talk, connection, answer):
    del talk, connection, answer


def vanishes(talk, connection, answer):
    talk.path.unlink()
    talk.listener.close()
    hangs_up(talk, connection, answer)


class Talk:
    """One stand-in at its socket, whose answers are given one after another as MANNERS say, the last of them for ever."""

    def __init__(self, name, language, manners, **guest):
        self.language, self.manners, self.guest, self.wrong = language(), list(manners), Guest(**guest), None
        self.path = RUN / name / "control.sock"
        if not manners:
            return
        self.listener = socket.socket(socket.AF_UNIX, self.language.kind)
        self.listener.bind(str(self.path))
        self.listener.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            with connection:
                self.converse(connection)

    def converse(self, connection):
        try:
            self.language.greet(connection)
            while True:
                request = self.language.request(connection)
                manner = self.manners[0] if len(self.manners) == 1 else self.manners.pop(0)
                manner(self, connection, self.language.do(request, self.guest))
        except (Wrong, KeyError, ValueError, TypeError) as wrong:
            self.wrong = f"asks what {self.language.name} does not know: {wrong!r}"
        except OSError:
            pass


# ---- what is asked, and what should come of it ----

PATIENCE = (9.9, 30)
SOON = (0, 25)
every = languages
telling = [CloudHypervisor, Crosvm, Stratovirt]  # how far the balloon has got
streams = [CloudHypervisor, Firecracker, Stratovirt]
HAS = "The balloon of NAME (has|is to have) {0} MiB, the guest {1} of 512 MiB"

# name, who, arguments, manners, guest, exit code, what is said, seconds; what the balloon is to have at the end
shows = [
    ("answers", every, [honest], 0, HAS.format(0, 512), SOON),
    ("answers late", every, [late], 0, HAS.format(0, 512), (2.4, 25)),
    ("answers in pieces", streams, [in_pieces], 0, HAS.format(0, 512), SOON),
    ("talks nonsense first", every, [after_garbage, honest], 0, HAS.format(0, 512), SOON),
    ("talks nonsense", every, [garbage], 1, "does not answer", PATIENCE),
    ("hangs up first", every, [hangs_up, honest], 0, HAS.format(0, 512), SOON),
    ("hangs up in the middle first", streams, [hangs_up_in_the_middle, honest], 0, HAS.format(0, 512), SOON),
    ("hangs up always", every, [hangs_up], 1, "does not answer", PATIENCE),
    ("refuses", every, [refused], 1, "refuses: ", SOON),
    ("never answers", every, [never], 1, "does not answer", PATIENCE),
    ("is not there", every, [], 1, "trying on: No such file.*does not answer", PATIENCE),
    ("vanishes", every, [vanishes], 1, "does not answer", PATIENCE),
    ("tells less than nothing", every, [saying(-1)], 1, "does not tell the size of the balloon: ", SOON),
    ("tells more than there is", every, [saying(MEM + 1)], 1, "does not tell the size of the balloon: ", SOON),
    ("tells a text", every, [saying("64")], 1, "does not tell the size of the balloon: ", SOON),
    ("tells a list", every, [saying([64])], 1, "does not tell the size of the balloon: ", SOON),
]

sets = [
    ("gives", every, [honest], {}, 0, HAS.format(128, 384), SOON),
    ("gives what was asked late", every, [late, honest], {}, 0, HAS.format(128, 384), (2.4, 40)),
    ("gives, in pieces", streams, [in_pieces], {}, 0, HAS.format(128, 384), SOON),
    ("hangs up before it gives", every, [hangs_up, honest], {}, 0, HAS.format(128, 384), SOON),
    ("gives a part", telling, [honest], {"gives": 80 * MIB}, 1, "gone no further.*" + HAS.format(80, 432), (4.9, 40)),
    ("cannot tell how much it gives", [Firecracker], [honest], {"gives": 0}, 0, "is to have 128 MiB", SOON),
    ("refuses to give", every, [refused], {}, 1, "refuses: ", SOON),
    ("never says whether it gives", every, [never], {}, 1, "does not answer", PATIENCE),
    ("vanishes while it gives", every, [honest, vanishes], {}, 1, "does not answer", PATIENCE),
    ("forgets while it gives", every, [honest, saying(None)], {}, 1, "does not tell the size", SOON),
]

resets = [
    ("is reset", [honest], 0, "^$", SOON),
    ("is reset late", [late], 0, "does not answer, .*trying on\\s*$", (2.4, 25)),
    ("is reset, and tells so in pieces", [in_pieces], 0, "^$", SOON),
    ("refuses to be reset", [refused], 1, "refuses: ", SOON),
    ("does not say whether it is reset", [never], 1, "does not answer", PATIENCE),
    ("vanishes in a reset", [vanishes], 1, "does not answer", PATIENCE),
    ("is not there to be reset", [], 1, "trying on: No such file.*does not answer", PATIENCE),
]


def run(name, verb, rest, language, manners, guest=None, words=()):
    """Exit code, all that is said, seconds, the stand-in."""
    folder = RUN / name
    folder.mkdir()
    talk = Talk(name, language, manners, **(guest or {}))
    state = [f"microvm.hypervisor={language.name}", f"microvm.socket={talk.path}", "microvm.mem=512", "microvm.balloon=yes", *words]
    (folder / "state").write_text("".join(f"{word}\n" for word in state))
    began = time.monotonic()
    ran = subprocess.run([subject.microvm, verb, name, *rest], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         timeout=120, check=False)
    return ran.returncode, ran.stdout, time.monotonic() - began, talk


def judge(name, about, outcome, code, said, within, balloon=None):
    got, text, took, talk = outcome
    details = [talk.wrong] if talk.wrong else []
    if got != code:
        details.append(f"exit code {got}, not {code}")
    if not re.search(said.replace("NAME", name), text, re.S):
        details.append(f"does not say '{said}'")
    if not within[0] <= took <= within[1]:
        details.append(f"took {took:.1f} s, not {within[0]} to {within[1]}")
    if balloon is not None and talk.guest.wanted != balloon:
        details.append(f"was asked for a balloon of {talk.guest.wanted}")
    return about, details + ([f"said: {line}" for line in text.splitlines()] if details else [])


def show(name, language, case):
    about, _, manners, code, said, within = case
    return judge(name, f"{language.name} that {about}", run(name, "balloon", [], language, manners), code, said, within)


def set_to(name, language, case):
    about, _, manners, guest, code, said, within = case
    outcome = run(name, "balloon", ["128M"], language, manners, guest)
    return judge(name, f"{language.name} that {about}", outcome, code, said, within, 128 * MIB if code == 0 else None)


def reset(name, language, case):
    about, manners, code, said, within = case
    outcome = run(name, "power", ["reset"], language, manners)
    about, details = judge(name, f"{language.name} that {about}", outcome, code, said, within)
    resets_seen = outcome[3].guest.resets
    return about, details + ([f"was reset {resets_seen} times"] if code == 0 and resets_seen != 1 else [])


class PluggedIn(CloudHypervisor):
    """Of what is left some was plugged in: how much, it does not say."""
    hotplugged = 256 * MIB


def plugged_in(name, language, case):
    code, said, wanted = case
    outcome = run(name, "balloon", ["128M"], language, [honest], {}, ["microvm.hotplugMem=256"])
    return judge(name, f"{language.name} with memory plugged in", outcome, code, said, SOON, wanted)


def cases():
    for table, judge_one in (shows, show), (sets, set_to):
        for case in table:
            for language in case[1]:
                yield judge_one, language, case
    for case in resets:
        yield reset, CloudHypervisor, case
    yield plugged_in, PluggedIn, (0, "is to have 128 MiB", 128 * MIB)
    yield plugged_in, Stratovirt, (1, "cannot tell a balloon from memory that is not plugged in", 0)


def main():
    sys.stdout.reconfigure(line_buffering=True)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        results = [pool.submit(judge_one, f"web{i}", language, case) for i, (judge_one, language, case) in enumerate(cases())]
        for result in results:
            about, details = result.result()
            print(f"{'not ok' if details else 'ok'} - questions, {about}")
            for line in details:
                print(f"# {line}")


if __name__ == "__main__":
    # The command looks for MicroVMs in /run/microvm; these are nobody else's.
    if sys.argv[1:] != ["inside"]:
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, __file__, "inside"])
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    RUN.mkdir()
    main()
