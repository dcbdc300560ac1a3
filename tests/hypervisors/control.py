# SPDX-License-Identifier: MIT
"""microvm-ready and microvm-shutdown, as they are, against stand-ins that speak HTTP as cloud-hypervisor and firecracker do,
and do it late, in pieces, wrongly or never. What they are asked has to be in the vendor's API description."""

import concurrent.futures
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time

import schema
import subject


def reply(status, body=""):
    """As their server (micro_http) writes one."""
    head = f"HTTP/1.1 {status} \r\nServer: stand-in\r\nConnection: keep-alive\r\n"
    return (head + (f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}" if body else "\r\n")).encode()


running = {"cloud-hypervisor": reply(200, '{"config":{"cpus":{}},"state":"Running","memory_actual_size":1}'),
           "firecracker": reply(200, '{"id":"web","state":"Running","vmm_version":"1.16.1","app_name":"Firecracker"}')}
starting = {"cloud-hypervisor": reply(404, '["VM is not created"]'),
            "firecracker": reply(200, '{"id":"web","state":"Not started","vmm_version":"1.16.1","app_name":"Firecracker"}')}
paused = {name: text.replace(b"Running", b"Paused ").replace(b"Paused \"", b"Paused\" ") for name, text in running.items()}
done = {name: reply(204) for name in running}
refused = {"cloud-hypervisor": reply(500, '["VM is not running"]'), "firecracker": reply(400, '{"fault_message":"no"}')}
wrong = {
    "not HTTP": b"hello\r\n\r\n",
    "not JSON": reply(200, "hello"),
    "no state": reply(200, "[]"),
    "a state that is none": reply(200, '{"state":{}}'),
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "a length without end": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "pieces that nobody asked for": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000,
    "nothing": b"",
}


class StandIn:
    """A main process, and the socket that belongs to it. SCRIPT is told each connection."""

    def __init__(self, hypervisor, script, folder, life=60):
        self.hypervisor, self.script, self.asked = hypervisor, script, []
        self.path = str(pathlib.Path(folder) / "control.sock")
        self.process = subprocess.Popen(["sleep", str(life)])
        threading.Thread(target=script, args=(self,), daemon=True).start()

    def listen(self):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen(8)
        return listener

    def request(self, connection):
        """Reads one request whole; notes its first line and body. Nothing at the end of the connection."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(4096)
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
        while len(body) < length:
            body += connection.recv(4096)
        self.asked.append((head.split(b"\r\n")[0].decode(), body.decode()))
        return self.asked[-1]

    def end(self, code=signal.SIGKILL):
        self.process.send_signal(code)
        self.process.wait()


def serve(answers, then=lambda stand_in: None, pause=0.0, piece=0, before=0.0):
    """Answers each question with the next of the answers (by hypervisor, or bytes), the last one again and again."""
    def script(stand_in):
        left = list(answers)
        time.sleep(before)
        listener = stand_in.listen()
        while True:
            connection, _ = listener.accept()
            try:
                while stand_in.request(connection):
                    last = len(left) == 1
                    answer = left[0] if last else left.pop(0)
                    answer = answer[stand_in.hypervisor] if isinstance(answer, dict) else answer
                    time.sleep(pause)
                    for at in range(0, len(answer), piece or len(answer) or 1):
                        connection.sendall(answer[at:at + (piece or len(answer))])
                        time.sleep(0.002 if piece else 0)
                    if answer == b"":
                        break
                    if last:
                        then(stand_in)
            except OSError:
                pass
            connection.close()
    return script


def end(stand_in):
    time.sleep(0.1)
    stand_in.end()


def silent(stand_in):
    listener = stand_in.listen()
    held = [listener.accept()[0] for _ in range(8)]
    time.sleep(60)
    return held


def vanishing(stand_in):
    listener = stand_in.listen()
    connection, _ = listener.accept()
    stand_in.request(connection)
    os.unlink(stand_in.path)
    connection.close()
    listener.close()


def absent(stand_in):
    del stand_in


def ask(hypervisor, what, script, life, timeout):
    """Runs the helper; its exit code, what it says, how long it took, and what the stand-in was asked."""
    with tempfile.TemporaryDirectory(prefix="control-") as folder:
        stand_in = StandIn(hypervisor, script, folder, life)
        words = [f"microvm.hypervisor={hypervisor}", f"microvm.socket={stand_in.path}", "microvm.shutdownTimeout=3s"]
        pathlib.Path(folder, "state").write_text("".join(word + "\n" for word in words))
        command = [subject.helpers / f"microvm-{what}", "web", *(words[:2] if what == "ready" else [])]
        began = time.monotonic()
        try:
            run = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False,
                                 env={"MAINPID": str(stand_in.process.pid), "RUNTIME_DIRECTORY": folder})
            code, said = run.returncode, run.stderr
        except subprocess.TimeoutExpired as expired:
            code, said = None, (expired.stderr or b"").decode()
        took = time.monotonic() - began
        stand_in.end()
        return code, said, took, stand_in.asked


# name, helper, script, exit code (None: goes on until systemd ends it), what is said, seconds from, to
talks = [
    ("runs at once", "ready", serve([running]), 0, "", 0, 5),
    ("comes late", "ready", serve([running], before=1.5), 0, "", 1, 6),
    ("starts first", "ready", serve([starting, starting, starting, running]), 0, "", 0.1, 6),
    ("answers late", "ready", serve([running], pause=2.5), 0, "", 2.5, 9),
    ("answers in pieces", "ready", serve([starting, running], piece=5), 0, "", 0, 9),
    ("says to go on first", "ready", serve([b"HTTP/1.1 100 Continue\r\n\r\n" + reply(404), running]), 0, "", 0, 6),
    ("is paused first", "ready", serve([paused, paused, running]), 0, "the guest is paused", 0, 6),
    ("ends before it answers", "ready", serve([starting], then=end), 1, "ended before it answered", 0, 6),
    ("is never there", "ready", absent, None, "", 3.9, 9),
    ("vanishes", "ready", vanishing, None, "", 3.9, 9),
    ("shuts down", "shutdown", serve([done], then=end), 0, "asked the guest to shut down", 0, 6),
    ("refuses first", "shutdown", serve([refused, done], then=end), 0, "refuses to ask the guest", 1.9, 7),
    ("refuses always", "shutdown", serve([refused]), 1, "has not shut down in 3 s", 2.9, 9),
    ("answers in pieces to a stop", "shutdown", serve([done], then=end, piece=5), 0, "asked the guest", 0, 6),
    ("does not shut down", "shutdown", serve([done]), 1, "has not shut down in 3 s", 2.9, 9),
    ("is silent", "shutdown", silent, 1, "does not answer", 2.9, 9),
    ("is not there to be stopped", "shutdown", absent, 1, "cannot be reached", 2.9, 9),
    ("vanishes in the stop", "shutdown", vanishing, 1, "has not shut down in 3 s", 2.9, 9),
]
for about, text in wrong.items():
    talks.append((f"says {about} first", "ready", serve([text, running]), 0, "", 0, 9))
    if about not in ("not JSON", "no state", "a state that is none"):  # a stop wants no JSON
        talks.append((f"says {about} to a stop", "shutdown", serve([text]), 1, "has not shut down in 3 s", 2.9, 9))

questions = {
    ("cloud-hypervisor", "ready"): ("GET", "/api/v1/vm.info", ""),
    ("cloud-hypervisor", "shutdown"): ("PUT", "/api/v1/vm.power-button", ""),
    ("firecracker", "ready"): ("GET", "/", ""),
    ("firecracker", "shutdown"): ("PUT", "/actions", '{"action_type":"SendCtrlAltDel"}'),
}


def judge(hypervisor, talk):
    name, what, script, code, said, least, most = talk
    got, text, took, asked = ask(hypervisor, what, script, 60, 4 if code is None else 30)
    details = []
    if got != code:
        details.append(f"exit code {got}, not {code}")
    if said not in text:
        details.append(f"does not say '{said}'")
    if not least <= took <= most:
        details.append(f"took {took:.1f} s, not {least} to {most}")
    method, path, body = questions[hypervisor, what]
    for line, with_body in asked:
        if line != f"{method} {path} HTTP/1.1" or with_body != body:
            details.append(f"asks {line} {with_body}")
    if (method, path) not in schema.operations(hypervisor):
        details.append(f"the vendor's API has no {method} {path}")
    return f"{hypervisor} that {name}", details + ([f"said: {text}"] if details else [])


def results():
    todo = [(hypervisor, talk) for hypervisor in running for talk in talks]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        yield from pool.map(lambda item: judge(*item), todo)
