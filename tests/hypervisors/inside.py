# SPDX-License-Identifier: MIT
"""Units that the guest's systemd gets on its kernel's command line, judged by systemd-analyze."""

import base64
import pathlib
import re
import subprocess
import tempfile

UNIT = re.compile(r"(systemd\.set_credential_binary=systemd\.extra-unit\.([^:\s]+):)(\S+)")


def text_of(match):
    return base64.b64decode(match[3], validate=True).decode()


def readable(value):
    """The same command line, with the units as they are."""
    return UNIT.sub(lambda match: match[1] + text_of(match), value) if isinstance(value, str) else value


def judge(argv):
    units = {match[2]: text_of(match) for word in argv for match in UNIT.finditer(word)}
    if not units:
        return []
    with tempfile.TemporaryDirectory() as folder:
        for name, text in units.items():
            (pathlib.Path(folder) / name).write_text(text, encoding="utf-8")
        sockets = [name for name in units if not name.endswith("@.service")]
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", *sockets], cwd=folder, capture_output=True, text=True,
                              env={"SYSTEMD_UNIT_PATH": f"{folder}:", "PATH": "/usr/bin:/bin"}, check=False)
    return [f"systemd in the guest: {line}" for line in done.stderr.splitlines()]
