# SPDX-License-Identifier: MIT
"""Each message of the sources must be seen in a case: format strings are found in C, and looked for in what cases print."""

import re

# Calls that make a message for people, and the position of the format among their arguments.
calls = {"problem": 1, "warning": 1, "problem_in": 3, "warning_in": 3, "reader_problem": 1, "words_addf": 1, "log_failure": 1,
         "log_line": 1}
sources = ["config/*.c", "generator/*.c", "hypervisors/hypervisors.c", "hypervisors/qemu.c", "command/check.c"]
# words_addf() makes other lists as well, log_line() passes others' texts on.
only_problems = {"words_addf"}
literal = re.compile(r'"((?:[^"\\]|\\.)*)"')


def arguments(text, at):
    """The arguments of the call whose parenthesis opens at this place, as source text."""
    parts, depth, start = [], 0, at + 1
    while True:
        c = text[at]
        if c == '"':
            at = literal.match(text, at).end()
            continue
        if c == "'":
            at = re.compile(r"'(?:[^'\\]|\\.)'").match(text, at).end()
            continue
        depth += (c in "([{") - (c in ")]}")
        if depth == 0 or depth == 1 and c == ",":
            parts.append(text[start:at])
            start = at + 1
        if depth == 0:
            return parts
        at += 1


def formats_of(argument):
    """A format, or each of those that "a ? b : c" chooses from."""
    found = []
    argument = re.sub(r'"\s*PRIu64\s*"', "lu", argument)
    for part in re.split(r"[?:](?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", argument):
        strings = literal.findall(part)
        if strings and not literal.sub("", part).strip():
            found.append("".join(strings).encode().decode("unicode_escape").encode("latin-1").decode())
    return found


def all_formats(top, files=None, names=calls):
    for pattern in files or sources:
        for path in sorted(top.glob(pattern)):
            text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), path.read_text(), flags=re.S)
            for match in re.finditer(r"\b(" + "|".join(names) + r")\(", text):
                name = match.group(1)
                parts = arguments(text, match.end() - 1)
                if name in only_problems and "problems" not in parts[0]:
                    continue
                if len(parts) <= calls[name]:
                    continue
                line = text.count("\n", 0, match.start()) + 1
                key = literal.fullmatch(parts[2].strip()) if name in ("problem_in", "warning_in") else None
                for format in formats_of(parts[calls[name]]):
                    if format != "%s":
                        yield f"{path.relative_to(top)}:{line}", (f"{key.group(1)}: " if key else "") + format


def pattern_of(format):
    parts = re.split(r"(%(?:\.\d+|\.\*)?(?:z|j|l|ll|)[a-z]|%%)", format)
    return "".join("%" if p == "%%" else r"\d+" if p[:1] == "%" and p[-1] in "du" else
                   ".*" if p[:1] == "%" and len(p) > 1 else re.escape(p) for p in parts)


def exceptions(file):
    """FORMAT<tab>reason"""
    if not file.exists():
        return {}
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("\t", 1) for line in lines)


def is_seen(format, seen):
    return re.search(rf"(?m)(: |\] |^(<\d>)?){pattern_of(format)}( \(warning\)|: [^:]*)?$", seen)


def check_messages(top, here):
    """Returns what is wrong, as lines."""
    seen = "\n".join(path.read_text(errors="replace") for name in ("stderr", "output")
                     for path in sorted(here.glob(f"*/{name}")))
    allowed, bad = exceptions(here / "unseen-messages"), []
    for place, format in all_formats(top):
        covered = is_seen(format, seen)
        if not covered and format not in allowed:
            bad.append(f"{place}: no case shows '{format}'")
        if covered and allowed.pop(format, None):
            bad.append(f"{place}: a case shows '{format}', take it out of unseen-messages")
    return bad
