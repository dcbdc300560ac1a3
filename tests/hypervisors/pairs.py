# SPDX-License-Identifier: MIT
"""Every (hypervisor, key) pair has an effect that can be seen, or is refused by name. No pair is silent."""

import re

import keys
import subject

# The sections, and beginnings of keys, that are for one hypervisor alone; the same file can hold those of others.
own = set(subject.hypervisors)

# What a value needs beside it so that anything depends on it: more than the generator's cases give it.
company = {
    ("volume", "serial"): {}, ("microvm", "hotpluggedMem"): {"hotplugMem": "1G"},
    ("microvm", "hotplugMem"): {"hotpluggedMem": "0"}, ("microvm", "initialBalloonMem"): {"balloon": "yes"}, ("microvm", "deflateOnOOM"): {"balloon": "yes"},
}
others = {
    ("firecracker", "driveIoEngine"): {"volume data": {"size": "64M"}},
    "share": {}, "virtiofsd": {"share x": {"source": "/srv/share", "proto": "virtiofs"}, "microvm": {"user": "alice"}},
}
values = {
    ("microvm", "hotplugMem"): ["1G"], ("microvm", "hotpluggedMem"): ["256M", "0"],
    ("microvm", "initialBalloonMem"): ["64"], ("microvm", "vcpu"): ["2"], ("microvm", "mem"): ["1G"],
    ("microvm", "extraArgsScript"): ["/bin/true", "HERE"], ("interface", "mtu"): ["1500"],
    ("firecracker", "extraConfig"): ["EXTRA"], ("microvm", "socket"): ["/srv/x.sock"],
    ("volume", "serial"): ["S1"], ("device", "bus"): ["pci", "usb"],
}

# Nothing of a hypervisor: which it is, what runs in its place, and what microvm apply alone reads.
no_pair = {("microvm", "hypervisor"), ("microvm", "runner"), ("microvm", "restartIfChanged")}

# What a hypervisor needs for a MicroVM of the kind that is tried.
kinds = {
    "interface": [("type", "user"), ("type", "tap")],
    "share": [("proto", "9p"), ("proto", "virtiofs")],
    "root": [("type", "squashfs"), ("type", "erofs")],
}


def refused_by_name(made, section, key):
    """The key itself, or all that it is about: then who offers that is told."""
    place = re.compile(rf"\[{re.escape(section)}[^\]]*\] {re.escape(key)}: ")
    return made.refused and any(place.search(line) or " does not offer " in line for line in made.said)


def conf(hypervisor, package, section, has_id, key, value, kind):
    text = keys.conf(section, has_id, key, value).decode()
    made, at = {}, None
    for line in text.splitlines():
        if line.startswith("["):
            at = made.setdefault(line, {})
        else:
            name, _, setting = line.partition("=")
            at[name] = setting
    name = f"[{section} vmx]" if has_id else f"[{section}]"
    made["[microvm]"]["hypervisor"] = hypervisor
    made.setdefault(f"[{hypervisor}]", {}).setdefault("package", str(package))
    made.setdefault(name, {})
    for setting, text in company.get((section, key), {}).items():
        made[name].setdefault(setting, text)
    for other, settings in others.get((section, key), {}).items():
        made.setdefault(f"[{other}]", {}).update(settings)
    if value == "usb":
        made[name]["path"] = "vendorid=0x046d,productid=0xc52b"
    if kind and kind[0] not in (key,):
        made[name][kind[0]] = kind[1]
    return "".join(f"{header}\n" + "".join(f"{k}={v}\n" for k, v in keys_.items()) for header, keys_ in made.items())


def filled(text):
    """With what each of several MicroVMs would have of its own."""
    return text.replace("PORT", "10022").replace("ADDRESS", "0000:01:00.0")


def tried(section, key, type_):
    every = values.get((section, key)) or keys.values_of(section, key, type_)[0]
    return every[:4] + every[4:][-1:]


def results(scratch, said):
    yield "the table of what each can is what configurations are refused by", list(told(scratch))
    rows = list(keys.table(subject.microvm))
    versions = {"cloud-hypervisor": "cloud-hypervisor v53.0", "firecracker": "Firecracker v1.16.1",
                "stratovirt": "StratoVirt 2.5.0"}
    script, extra = subject.stub(scratch, "script", "--extra"), f"{scratch}/extra.json"
    with open(extra, "w", encoding="utf-8") as file:
        file.write('{"machine-config": {"smt": false}}')
    for hypervisor in subject.hypervisors:
        package = subject.stub(scratch, hypervisor, versions.get(hypervisor, "1.0"))
        silent = pairs_of(hypervisor, package, rows, {"HERE": str(script), "EXTRA": extra}, said)
        yield f"{hypervisor}: each key has an effect or is refused", silent


def pairs_of(hypervisor, package, rows, words, said):
    confs = {}
    for section, has_id, key, type_ in rows:
        if {section, key.split(".")[0]} & (own - {hypervisor}) or (section, key) in no_pair:
            continue
        for kind in kinds.get(section, [None]):
            for value in [None, *tried(section, key, type_)]:
                text = conf(hypervisor, package, section, has_id, key, words.get(value, value), kind)
                confs[section, key, kind, value] = filled(text)
    made = subject.make(confs)
    said += [line for one in made.values() for line in one.said]
    return sorted(silent_of(made))


def silent_of(made):
    """The keys of which no value has an effect, nor is refused."""
    good, places = set(), set()
    for (section, key, kind, value), one in made.items():
        base = made[section, key, kind, None]
        places.add((section, key))
        if value is None:
            continue
        if refused_by_name(one, section, key) or not one.refused and (base.refused or differs(one, base)):
            good.add((section, key))
    return [f"[{section}] {key}: no value of it has an effect, and none is refused" for section, key in places - good]


def table():
    """What "microvm check --hypervisors" says: (section, key, value or None) to the hypervisors that can."""
    lines = subject.run([subject.microvm, "check", "--hypervisors"]).stdout.splitlines()
    names = lines[0].split()
    for line in lines[1:]:
        first, *marks = re.split("  +", line)
        match = re.match(r"\[(.*)\] ([^=]*)(?:=(.*))?$", first)
        if match:
            yield match.groups(), {name for name, mark in zip(names, marks) if mark == "yes"}


def told(scratch):
    """Where the table says yes nothing is refused as not offered, where it says no it is."""
    rows = {(section, key): (has_id, type_) for section, has_id, key, type_ in keys.table(subject.microvm)}
    confs, can = {}, {}
    for (section, key, value), who in table():
        has_id, type_ = rows[section, key]
        for hypervisor in subject.hypervisors:
            at = hypervisor, section, key, value
            text = conf(hypervisor, subject.stub(scratch, "any", "1.0"), section, has_id, key,
                        value or tried(section, key, type_)[0], None)
            confs[at], can[at] = filled(text), hypervisor in who
    made = subject.make(confs)
    for at, one in made.items():
        line = rf"\[{at[1]}.*\] {re.escape(at[2])}: ({at[0]} does not offer )"
        if any(re.search(line, said) for said in one.said) == can[at]:
            yield f"{at}: the table says {'yes' if can[at] else 'no'}: {one.said}"


def differs(one, other):
    return (one.prepared(), one.argv, one.config) != (other.prepared(), other.argv, other.config)
