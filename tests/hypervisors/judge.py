#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Judges a hypervisor's command line by a grammar that was written from the vendor's own option definitions.

usage: judge.py GRAMMAR <WORDS      one word a line; prints what the vendor's parser would refuse

A grammar is a YAML file, data/NAME.grammar:

  vendor: cloud-hypervisor v53.0      the version that was read, and where
  source: [cloud-hypervisor/src/main.rs, ...]
  begin: [run]                        words that follow the program's name
  equals: yes                         --option=value is taken too (default: no)
  last: kernel                        a type for one word without an option at the end (default: none is taken)
  list:                               how values with several keys are read
    separator: ","                    may be several characters, each of which separates
    quote: '"'                        around a value, doubled inside (default: none)
    escape: '\\'                       stands before a quote inside instead, and before itself (default: none)
    brackets: yes                     [...] keeps separators (default: no)
    doubled: yes                      a separator that is doubled is meant itself, as qemu's (default: no)
    twice: no                         whether a key may be given twice (default: no)
  types:
    path: '/.*'                       regular expressions for whole values; other types may be used as {name}
  needs_one: [--kernel, --firmware]   one of these has to be there
  options:
    --kernel: path                    a type: one value, once
    --foreground:                     nothing: no value
    --disk:                           for all else a map:
      many: yes                       one option takes several words
      repeat: yes                     the option may be there again
      type: path                      what a value without keys is
      first: path                     the first item has no key; it becomes the key of that name in what is parsed
      keys: { path: path, ro: }       keys and their types; no type: a key without a value (which "first" may precede)
      required: [path]                keys that must be there
      needs: [--kernel]               options that must be there too
      excludes: [--firmware]          options that must not
      optional: yes                   the value may be missing
"""

import re
import sys

import yaml


class Refused(Exception):
    pass


def split_doubled(text, separators):
    """qemu's way: a separator that stands twice is one that is meant."""
    items, item, i = [], "", 0
    while i < len(text):
        if text[i] in separators and text[i + 1:i + 2] == text[i]:
            item += text[i]
            i += 1
        elif text[i] in separators:
            items.append(item)
            item = ""
        else:
            item += text[i]
        i += 1
    return items + [item]


def split(text, how):
    """The items of a list, quotes and brackets still in them."""
    separators = how.get("separator", ",")
    if how.get("doubled"):
        return split_doubled(text, separators)
    items, item, quoted, depth, escaped = [], "", False, 0, False
    for char in text:
        if quoted and not escaped and char == how.get("escape"):
            item, escaped = item + char, True
            continue
        if char == how.get("quote") and not escaped:
            quoted = not quoted
        elif how.get("brackets") and not quoted and char in "[]":
            depth += 1 if char == "[" else -1
            if depth < 0:
                raise Refused(f"a bracket is closed that is not open: {text}")
        if char in separators and not quoted and depth == 0:
            items.append(item)
            item = ""
        else:
            item += char
        escaped = False
    if quoted or depth:
        raise Refused(f"an open quote or bracket: {text}")
    return items + [item]


def unquoted(value, how):
    quote = how.get("quote")
    if quote and len(value) > 1 and value[0] == value[-1] == quote:
        if "escape" in how:
            return re.sub(re.escape(how["escape"]) + "(.)", r"\1", value[1:-1], flags=re.DOTALL)
        return value[1:-1].replace(quote * 2, quote)
    return value


class Grammar:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.data = yaml.safe_load(file)
        self.types = self.data.get("types", {})

    def pattern(self, name):
        def use(match):
            return f"(?:{self.pattern(match.group(1))})"
        return re.sub(r"\{([a-z][a-z0-9_-]*)\}", use, str(self.types[name]))

    def fits(self, value, name, place):
        if not re.fullmatch(self.pattern(name), value, re.DOTALL):
            raise Refused(f"{place}: '{value}' is not of type {name}")
        return value

    def keyed(self, value, option, place):
        """A list of keys and values as a dict."""
        how, keys, found = self.data.get("list", {}), option["keys"], {}
        for at, item in enumerate(split(value, how)):
            key, equals, text = item.partition("=")
            if at == 0 and "first" in option and not (equals and key in keys):
                found[option["first"]] = self.fits(unquoted(item, how), option["first"], place)
                continue
            if key not in keys:
                raise Refused(f"{place}: unknown key '{key}'")
            if key in found and not how.get("twice"):
                raise Refused(f"{place}: '{key}' is there twice")
            if keys[key] is None and equals:
                raise Refused(f"{place}: '{key}' takes no value")
            if keys[key] is not None and not equals:
                raise Refused(f"{place}: '{key}' needs a value")
            found[key] = True if keys[key] is None else self.fits(unquoted(text, how), keys[key], f"{place}: {key}")
        for key in option.get("required", []):
            if key not in found:
                raise Refused(f"{place}: '{key}' is missing")
        return found

    def value(self, value, option, place):
        if "keys" in option:
            return self.keyed(value, option, place)
        return self.fits(value, option["type"], place)

    def option(self, name):
        if name not in self.data["options"]:
            raise Refused(f"unknown option: {name}")
        option = self.data["options"][name]
        return {"type": option} if isinstance(option, str) else option

    def values(self, name, option, words):
        """The words that belong to an option, taken off the front."""
        if option is None:
            return [True]
        values = []
        while words and not words[0].startswith("-") and (option.get("many") or not values):
            values.append(self.value(words.pop(0), option, name))
        # A value that looks like an option is one for a parser that takes the next word whatever it is.
        if not values and words and not option.get("many") and not option.get("optional") and self.data.get("dashes"):
            values.append(self.value(words.pop(0), option, name))
        if not values and not option.get("optional"):
            raise Refused(f"{name} needs a value")
        return values or [True]

    def parse(self, words):
        """What the vendor's parser would make of it: option -> list of values. Raises Refused."""
        words, found = list(words[1:]), {}
        for word in self.data.get("begin", []):
            if not words or words.pop(0) != word:
                raise Refused(f"'{word}' has to come first")
        while words:
            name = words.pop(0)
            if not name.startswith("-") and not words and "last" in self.data:
                found[""] = [self.fits(name, self.data["last"], "last word")]
                break
            if self.data.get("equals") and name.startswith("--") and "=" in name:
                name, _, value = name.partition("=")
                values = [self.value(value, self.option(name), name)]
            else:
                values = self.values(name, self.option(name), words)
            repeat = (self.option(name) or {}).get("repeat")
            if name in found and not repeat:
                raise Refused(f"{name} is there twice")
            found.setdefault(name, []).extend(values)
        self.together(found)
        return found

    def together(self, found):
        one = self.data.get("needs_one", [])
        if one and not any(name in found for name in one):
            raise Refused(f"one of {', '.join(one)} is needed")
        for name in filter(None, found):
            option = self.option(name) or {}
            for other in option.get("needs", []):
                if other not in found:
                    raise Refused(f"{name} needs {other}")
            for other in option.get("excludes", []):
                if other in found:
                    raise Refused(f"{name} excludes {other}")


def main():
    try:
        Grammar(sys.argv[1]).parse(sys.stdin.read().splitlines())
    except Refused as refused:
        print(refused)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
