# SPDX-License-Identifier: MIT
"""Each key that the table knows, with good and bad values: made from "microvm keys", so that a new row is tried too."""

import re
import subprocess
import tempfile
from pathlib import Path


# By what "microvm keys" calls the type: values that fit, and values that do not.
types = {
    "yes or no": (["yes", "No", "true", "FALSE", "1", "0", "on", "off"], ["maybe", "2", "y es"]),
    "size in MiB, or with K, M, G, T": (["64", "2048K", "64m", "70MiB", "1GB", "1T"], ["-1", "1.5G", "64X", "G", "9999999T", "0x40"]),
    "number, 1 or more": (["1", "8", "0016"], ["0", "-1", "1.0", "two", "65536", "99999999999999999999"]),
    "number": (["0", "4"], ["-1", "four", "65536"]),
    "port, 1 to 65535": (["22", "65535"], ["0", "65536", "ssh"]),
    "time span as in systemd.time(7), in seconds without a unit":
        (["10", "90s", "2min", "1min 30s", "1h", "1500ms", "7us"], ["0", "soon", "-5s", "10 lightyears", "5000000000d"]),
    "text": (["plain", "two words", "50%%", "ünï"], ["a\x01b", "\xff", "100%"]),
    "absolute path": (["/srv/a", "/srv/a b/%i", "/srv/a:b,c"], ["srv/a", "/srv/../a", "/" + "a" * 5000, "/a%b", "/a\x07"]),
    "path": (["x.img", "folder/%i.img", "/srv/y.img"], ["../x.img", "a" * 5000, "a%b", "a\x07"]),
    "name": (["root", "vm_1"], ["0day", "-x", "a b", "a" * 32, "über"]),
    "UUID": (["f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF7"],
             ["f81d4fae", "f81d4fae-7dec-11d0-a765-00a0c91e6bfg", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6f"]),
    "hardware address": (["02:00:00:00:00:01", "AE:00:00:00:00:02"], ["01:00:00:00:00:01", "02:00:00:00:00", "02-00-00-00-00-01", "00:00:00:00:00:00"]),
    "IP address": (["192.0.2.1", "::1"], ["192.0.2", "host", "1.2.3.4.5"]),
    "interface name": (["br0", "eth0.5"], ["a/b", "a" * 16, "."]),
    "number, or auto": (["3", "auto", "4294967294"], ["2", "4294967295", "any"]),
    "number, or nproc": (["0", "4", "nproc"], ["many", "-1"]),
    "words": (["one", 'one "two three" \'four\'', r"a\tb", "100%%", ";"], ['"open', r"a\q", "%d"]),
    "line": (["echo one; echo \"two\"", "true # %%", "exit 0"], ["echo %d"]),
    "names": (["db", "db2 nginx.service", r"dev-disk\\x2dx.device"], ["a/b", "Nginx", "x.tar", "%d"]),
    "-": ([], ["1"]),
}

# Other values than the type's: what fits, and what does not.
values = {
    ("qemu", "machineOpts"): ([r"acpi=on", "acpi=off pcie=on"], ["acpi"]),
    ("volume", "label"): (["data", "50%%"], ["a" * 17]),
    ("volume", "size"): (["64", "64M", "1G"], ["0", "1K", "many"]),
    ("volume", "mountPoint"): (["/srv/a", "/srv/%i"], ["srv", "/srv/a b", "/srv/a:b", "/srv/../a"]),
    ("share", "mountPoint"): (["/srv/a", "/srv/%i"], ["srv", "/srv/a b", "/srv/a:b", "/srv/../a"]),
    ("volume", "serial"): (["S1", "a,b"], ["a" * 21]),
    ("volume", "fsType"): (["ext2", "ext3", "ext4", "xfs", "btrfs", "vfat", "none"], ["ext5", "EXT4"]),
    ("microvm", "socket"): (["/run/microvm/%i/x.sock", "/srv/%i/s"], ["x.sock", "/" + "s" * 107]),
    ("microvm", "stateDir"): (["/srv/%i", "/srv/100%%/%i"], ["srv", "/srv", "/var/lib"]),
    ("interface", "mtu"): (["1500", "65535"], ["0", "67", "65536", "many"]),
    ("forwardPort", "host.address"): (["127.0.0.1"], ["::1", "192.0.2", "localhost"]),
    ("forwardPort", "guest.address"): (["10.0.2.15"], ["::1", "192.0.2", "guest"]),
    ("microvm", "hotplugMem"): (["2M", "1G"], ["3M", "64X"]),
    ("microvm", "hotpluggedMem"): (["0", "64"], ["2G", "3M"]),
    ("microvm", "initialBalloonMem"): (["0", "64"], ["512", "-1"]),
    ("microvm", "deflateOnOOM"): (["yes", "no"], ["maybe"]),
    ("device", "path"): (["0000:01:00.0", "10000:ff:1f.7"], ["01:00.0", "0000:01:00.8", "0000:01:20.0", "0000:0A:00.0", "vendorid=0x1,productid=0x2"]),
    ("device", "bus"): (["pci"], ["PCI", "isa"]),
    ("device", "expect"): (["8086:10d3"], ["8086", "0x8086:0x10d3", "8086:10D3"]),
    ("device", "qemu.id"): (["card"], ["a,b", "a=b"]),
    ("device", "qemu.bus"): (["port-0"], ["a b"]),
    ("device", "sriov.parent"): (["0000:03:00.0"], ["03:00.0", "0000:03:00.8"]),
    ("root", "overlay"): (["none", "tmpfs", "data"], ["nosuch", "TMPFS"]),
    ("microvm", "kernelParams"): (["quiet", 'a="b c" d'], ['"open', "x" * 2048]),
}

# What a section has beside the key that is tried, so that it is complete.
sections = {
    "interface": {"type": "user"},
    "volume": {"size": "64M"},
    "share": {"source": "/srv/share"},
    "device": {"bus": "pci", "path": "ADDRESS"},
    "forwardPort": {"host.port": "PORT", "guest.port": "80"},
    "root": {"source": "/srv/tree"},
}

# What a key, or one of its values, needs beside it in its own section; None: what must not be there.
company = {
    ("microvm", "hotpluggedMem"): {"hotplugMem": "1G"},
    ("microvm", "initialBalloonMem"): {"balloon": "yes", "hypervisor": "cloud-hypervisor"},
    ("microvm", "deflateOnOOM"): {"balloon": "yes"},
    ("interface", "bridge"): {"type": "tap"},
    ("interface", "tap.vhost"): {"type": "tap"},
    ("interface", "script"): {"type": "tap"},
    ("interface", "mtu"): {"type": "tap"},
    ("interface", "macvtap.link"): {"type": "macvtap", "macvtap.mode": "bridge"},
    ("interface", "macvtap.mode"): {"type": "macvtap", "macvtap.link": "eth0"},
    ("interface", "type", "macvtap"): {"macvtap.link": "eth0", "macvtap.mode": "bridge"},
    ("interface", "type", "bridge"): {"bridge": "br0"},
    ("graphics", "backend"): {"enable": "yes"},
    ("graphics", "socket"): {"enable": "yes"},
    ("graphics", "vulkan"): {"enable": "yes"},
    ("graphics", "hostmem"): {"enable": "yes", "vulkan": "yes"},
    ("forwardPort", "from", "guest"): {"guest.address": "10.0.2.100"},
    ("device", "sriov.parent"): {"path": None, "sriov.vf": "0"},
    ("device", "sriov.vf"): {"path": None, "sriov.parent": "ADDRESS"},
    ("device", "sriov.mac"): {"path": None, "sriov.parent": "ADDRESS", "sriov.vf": "0"},
    ("share", "cache"): {"proto": "virtiofs"},
    ("share", "posixAcl"): {"proto": "virtiofs"},
    ("share", "extraArgs"): {"proto": "virtiofs"},
    ("share", "socket"): {"proto": "virtiofs"},
    ("root", "squashfsFlags"): {"type": "squashfs"},
}

# What it needs in another.
others = {
    "forwardPort": {"interface vmy": {"type": "user"}},
    "virtiofsd": {"share x": {"source": "/srv/share", "proto": "virtiofs"}, "microvm": {"user": "alice"}},
    ("share", "socket"): {"microvm": {"user": "alice"}},
    ("graphics", "backend"): {"microvm": {"user": "alice"}},
    ("vsock", "ssh.enable"): {"vsock": {"cid": "auto"}},
    ("microvm", "readiness"): {"vsock": {"cid": "auto"}},
    ("root", "overlay"): {"microvm": {"initrdPath": "/boot/initrd.img"}, "volume data": {"size": "64M"}},
}


def table(microvm):
    run = subprocess.run([microvm, "keys"], capture_output=True, text=True, check=True)
    for line in run.stdout.splitlines():
        section, key, type, default, manual = line.split("\t")
        yield section.strip("[]").split(" ")[0], " ID" in section, key, type


def values_of(section, key, type):
    if (section, key) in values:
        return values[section, key]
    if type in types:
        return types[type]
    choices = type.split(", ")
    return choices, ["nonsense", choices[0].swapcase() if choices[0].isalpha() else "x", choices[0] + ","]


def conf(section, has_id, key, value):
    """A MicroVM that is complete, with this key; without it where the value is None."""
    name = f"{section} vmx" if has_id else section
    # A runner package stands for all of a hypervisor.
    made = {"microvm": {} if key == "runner" else {"kernel": "/boot/vmlinuz"}}
    for other, keys in {**others.get(section, {}), **others.get((section, key), {})}.items():
        made.setdefault(other, {}).update(keys)
    here = made.setdefault(name, {})
    here.update(sections.get(section, {}), **company.get((section, key), {}), **company.get((section, key, value), {}))
    if value is not None:
        here[key] = value
    text = "".join(f"[{name}]\n" + "".join(f"{k}={v}\n" for k, v in keys.items() if v is not None) for name, keys in made.items())
    return text.encode("latin-1" if value and "\xff" in value else "utf-8")


class Trial:
    """Many MicroVMs in one run of the generator."""

    def __init__(self, generator):
        self.generator, self.confs, self.meant = generator, {}, {}

    def add(self, about, text):
        name = f"k{len(self.confs):04d}"
        # Names and numbers that only one MicroVM can have.
        text = text.replace(b"vmx", name.encode()).replace(b"PORT", b"1" + name[1:].encode())
        text = text.replace(b"ADDRESS", name[1:].encode() + b":01:00.0")
        self.confs[name], self.meant[name] = text, about
        return name

    def run(self):
        """What each was made into, its own name replaced, and what was said about it."""
        with tempfile.TemporaryDirectory(prefix="keys-") as scratch:
            root, out = Path(scratch) / "root", Path(scratch) / "out"
            (root / "etc/microvm").mkdir(parents=True)
            out.mkdir()
            for name, text in self.confs.items():
                (root / f"etc/microvm/{name}.conf").write_bytes(text)
            run = subprocess.run([self.generator, out, out, out], capture_output=True, timeout=120,
                                 env={"MICROVM_ROOT": str(root), "LC_ALL": "C.UTF-8"})
            made, said = {}, {name: [] for name in self.confs}
            for path in sorted(out.rglob("*")):
                name = re.search(r"@(k\d{4})", str(path.relative_to(out))).group(1) if "@" in str(path) else None
                if name and (path.is_symlink() or path.is_file()):
                    content = b"link" if path.is_symlink() else path.read_bytes()
                    content = content.replace(name[1:].encode() + b":01:00.0", b"ADDRESS").replace(b"1" + name[1:].encode(), b"PORT").replace(name.encode(), b"NAME")
                    made.setdefault(name, []).append(content)
            for line in run.stderr.decode(errors="replace").splitlines():
                name = re.search(r"/(k\d{4})\.conf", line)
                said.setdefault(name.group(1) if name else None, []).append(line)
            return made, said


def check_good(generator, rows):
    trial, bad = Trial(generator), []
    bases = {}
    for section, has_id, key, type in rows:
        bases[section, key] = trial.add((section, key, None), conf(section, has_id, key, None))
        for value in values_of(section, key, type)[0]:
            value = value if "/" not in value or "%i" in value else value + "-%i"
            trial.add((section, key, value), conf(section, has_id, key, value))
    made, said = trial.run()
    useful = set()
    for name, (section, key, value) in trial.meant.items():
        # Values that are one MicroVM's alone are tried several times here.
        errors = [line for line in said[name] if line.startswith("<3>") and "in use already" not in line]
        if errors and value is not None:
            bad.append(f"[{section}] {key}={value} is refused: {errors}")
        elif value is not None and made[name] != made[bases[section, key]]:
            useful.add((section, key))
        if name not in made:
            bad.append(f"[{section}] {key}={value} is made into nothing")
    unused = {(section, key) for section, _, key, _ in rows} - useful - {("interface", "type"), ("device", "bus"), ("microvm", "hypervisor")}
    return bad + [f"[{section}] {key}: no value changes what is generated" for section, key in sorted(unused)]


def check_bad(generator, rows):
    trial, bad = Trial(generator), []
    for section, has_id, key, type in rows:
        wrong = values_of(section, key, type)[1]
        for value in wrong + ([""] if type not in ("words", "line", "names", "absolute path") else []):
            trial.add((section, key, value), conf(section, has_id, key, value))
    _, said = trial.run()
    for name, (section, key, value) in trial.meant.items():
        place = re.compile(rf"^<3>/etc/microvm/{name}\.conf:\d+: \[{section}[^\]]*\] {re.escape(key)}: \S")
        if not any(place.match(line) for line in said[name]):
            bad.append(f"[{section}] {key}={value!r:.60} is not refused: {said[name]}")
        bad += [f"[{section}] {key}={value!r:.60}: not one printable line: {line!r}" for line in said[name] if not line.isprintable()]
    if None in said:
        bad.append(f"lines without a place: {said[None]}")
    return bad


def check_keys(generator, microvm):
    rows = list(table(microvm))
    for title, check in (("every key takes good values", check_good), ("every key refuses bad values", check_bad)):
        bad = check(generator, rows)
        yield f"not ok - {title}\n" + "\n".join(f"# {line}" for line in bad) if bad else f"ok - {title}"
