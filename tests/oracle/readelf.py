"""readelf as a second reader: what binutils print of the dynamic section, the symbols and the versions of many files."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.oracle.symbol_rows import Said, Symbol

BATCH = 50  # files for one readelf
FILE = re.compile(r"^File: (/.*)\n", re.MULTILINE)

TYPES = {
    "NOTYPE": 0, "OBJECT": 1, "FUNC": 2, "SECTION": 3, "FILE": 4, "COMMON": 5, "TLS": 6, "IFUNC": 10,
}  # fmt: skip
# readelf knows GNU_UNIQUE only where EI_OSABI says GNU; loaders do not ask.
BINDINGS = {"LOCAL": 0, "GLOBAL": 1, "WEAK": 2, "UNIQUE": 10, "<OS specific>: 10": 10}
VISIBILITIES = {"DEFAULT": 0, "INTERNAL": 1, "HIDDEN": 2, "PROTECTED": 3}
SECTIONS = {"UND": 0, "ABS": 0xFFF1, "COM": 0xFFF2}
FLAGS = {"none": 0, "BASE": 1, "WEAK": 2}
SYMBOL = re.compile(
    r" *\d+: ([0-9a-f]+) +\S+ (\w+) +(\w+|<OS specific>: \d+) +(\w+) (?:\[[^]]*\])? *(\w+)(?: (.*?)(?: \(\d+\))?)?"
)
NEEDED = re.compile(r"  (?:0x)?[0-9a-f]+:   Name: (\S+)  Flags: (\w+)  Version: \d+|Version: 1  File: (\S+)")
DEFINED = re.compile(r"Rev: 1  Flags: (\w+) +Index: \d+  Cnt: \d+  Name: (\S+)")

TAG = re.compile(r"^ 0x[0-9a-f]+ \((\w+)\) +(.*)$", re.MULTILINE)
TEXT = re.compile(r".*?: \[(.*)\]")  # "Shared library: [libc.so.6]"
BARE_FLAGS = ("SYMBOLIC", "TEXTREL", "BIND_NOW")  # older than DT_FLAGS: tags of their own


class Linked(NamedTuple):
    """What the dynamic section says of other files."""

    name: str | None = None
    needed: tuple[str, ...] = ()
    rpath: str | None = None
    runpath: str | None = None
    flags: frozenset[str] = frozenset()


def linked(paths: Sequence[str]) -> dict[str, Linked]:
    return {path: of_tags(TAG.findall(text)) for path, text in printed("-d", paths)}


def of_tags(tags: list[tuple[str, str]]) -> Linked:
    texts = [(tag, match[1]) for tag, words in tags if (match := TEXT.fullmatch(words))]
    last = dict(texts)  # a later one counts
    flags = [word for tag, words in tags if tag in ("FLAGS", "FLAGS_1") for word in words.replace("Flags:", "").split()]
    return Linked(
        last.get("SONAME"),
        tuple(text for tag, text in texts if tag == "NEEDED"),
        last.get("RPATH"),
        last.get("RUNPATH"),
        frozenset([*flags, *(tag for tag, _ in tags if tag in BARE_FLAGS)]),
    )


def symbols(paths: Sequence[str]) -> Iterator[tuple[str, Said]]:
    return ((path, said(text)) for path, text in printed("--dyn-syms -V", paths))


def said(text: str) -> Said:
    head, _, versions = text.partition("\nVersion ")
    rows = (match.groups() for match in map(SYMBOL.fullmatch, head.split("\n")) if match)
    needed, file = [], ""
    for name, flags, of in NEEDED.findall(versions):
        file = of or file
        if name:
            needed.append((file, name, FLAGS[flags]))
    return Said(
        tuple(
            # The symbol of a section has no name; what is printed is that of the section (aarch64 has such symbols).
            Symbol(
                "" if kind == "SECTION" else name,
                int(value, 16),
                TYPES[kind],
                BINDINGS[binding],
                VISIBILITIES[visibility],
                number(section),
            )
            for value, kind, binding, visibility, section, name in rows
        )[1:],
        tuple((name, FLAGS[flags]) for flags, name in DEFINED.findall(versions)),
        tuple(needed),
    )


def number(section: str) -> int:
    return SECTIONS[section] if section in SECTIONS else int(section)


def printed(options: str, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each file and what readelf prints of it. Of a single file it would not print the name, so that is given twice."""
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    for start in range(0, len(paths), BATCH):
        batch = paths[start : start + BATCH]
        command = ["readelf", "-W", *options.split(), *(batch if len(batch) > 1 else [*batch] * 2)]
        words = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
        _, *pieces = FILE.split(words)
        yield from dict(zip(pieces[::2], pieces[1::2], strict=True)).items()
