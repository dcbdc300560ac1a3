#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random words through configuration, generator, PID 1 and microvm-run, to what stands in for a hypervisor.

usage: escaping.py make SEED MICROVMS WORDS PROGRAM    writes configuration, and what is to arrive
       escaping.py compare                             against what arrived
"""

import json
import os
import pathlib
import random
import sys

expected = pathlib.Path("/root/escaping.json")
often = [b'"', b"'", b"\\", b"%", b"$", b"${x}", b"$HOME", b";", b" ", b"\t", b"\n", b"\r", b"=", b"#", b"@", b"-", b"+",
         b"!", b":", b"|", b"%%", b"%i", b"%n", b"\\n", b"\\x41", b"\\\n", "é".encode(), "日本".encode(), "😀".encode(), b"\xff"]


def random_word(dice):
    kind = dice.randrange(10)
    if kind == 0:
        return dice.choice([b"", b";", b"%", b"\\", b"-", b"{}", b"$$", b"*", b"'", b'"', b"\n", b" "])
    if kind < 4:
        return bytes(dice.randrange(1, 256) for _ in range(dice.randrange(1, 40)))
    return b"".join(dice.choice(often) if dice.randrange(2) else bytes([dice.choice(b"abcXYZ019._/,")])
                    for _ in range(dice.randrange(1, 30)))


def quoted(dice, word):
    """One of the ways to write a word in a list."""
    quote = dice.choice([b'"', b"'"])
    out = []
    for byte in word:
        c = bytes([byte])
        if c in (quote, b"\\"):
            out.append(b"\\" + c)
        elif c == b"%":
            out.append(b"%%")
        elif byte < 32 or byte == 127 or byte > 127 and dice.randrange(2):
            out.append(b"\\x%02x" % byte if dice.randrange(2) or byte < 8 else b"\\%03o" % byte)
        else:
            out.append(c)
    return quote + b"".join(out) + quote


def random_line(dice):
    """A shell line that notes how it was called; anything that one line can hold may follow as a remark."""
    tail = bytes(dice.randrange(32, 256) for _ in range(dice.randrange(40))).rstrip(b" ")
    return b"cat /proc/$$/cmdline >pre-start #" + tail


def random_folder(dice, i):
    letters = "abc XYZ019._-:,;#%$@!~+=()[]{}*?&|<>`^é日\\"
    return f"/srv/vm{i}-" + "".join(dice.choice(letters) for _ in range(30)).replace("..", "__") + "x"


def make(seed, microvms, count, program):
    dice = random.Random(seed)
    told = {}
    for i in range(microvms):
        words = [random_word(dice) for _ in range(count)]
        line, folder = random_line(dice), random_folder(dice, i)
        conf = [b"[microvm]", b"kernel=/usr/lib/microvm-test/vmlinuz", b"readiness=none", b"restart=no",
                b"preStart=" + line.replace(b"%", b"%%"), b"stateDir=" + folder.replace("%", "%%").encode(),
                b"[qemu]", b"package=" + program.encode()]
        rest = list(words)
        while rest:
            n = dice.randrange(1, 20)
            conf.append(b"extraArgs=" + b" ".join(quoted(dice, word) for word in rest[:n]))
            rest = rest[n:]
        pathlib.Path(f"/etc/microvm/esc{i}.conf").write_bytes(b"\n".join(conf) + b"\n")
        told[f"esc{i}"] = {"words": [list(word) for word in words], "line": list(line), "folder": folder}
    expected.write_text(json.dumps(told))
    print(f"{microvms * count} words, seed {seed}")


def compare():
    bad = 0
    for name, told in json.loads(expected.read_text()).items():
        folder = pathlib.Path(told["folder"])
        words = [bytes(word) for word in told["words"]]
        have = (folder / "argv").read_bytes().split(b"\0")[:-1][-len(words):]
        for want, got in zip(words, have):
            if want != got:
                bad += 1
                print(f"{name}: {want!r} arrives as {got!r}")
        bad += len(have) != len(words)
        line = (folder / "pre-start").read_bytes().split(b"\0")[2]
        if line != bytes(told["line"]):
            bad += 1
            print(f"{name}: {bytes(told['line'])!r} arrives as {line!r}")
    sys.exit(f"{bad} differ" if bad else 0)


if sys.argv[1] == "make":
    os.makedirs("/etc/microvm", exist_ok=True)
    make(int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
else:
    compare()
