"""A world: one small installation, and what is asked of it. Real loaders and our models get the same description.

A world is written down in TOML (one file for each rule below tests/oracle/rules) or made by hypothesis. "{here}" stands
for its directory wherever a text may hold a path. Symbols are short texts (tests/oracle/symbols.py).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.build import elf, elf_symbols
from tests.oracle.symbols import Text, definition, needed_versions, reference, versioned

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROGRAM = "program"  # its path, unless the world says otherwise
MACHINES = {"x86_64": elf.X86_64, "aarch64": elf.AARCH64}
DF = {"ORIGIN": 1, "SYMBOLIC": 2, "TEXTREL": 4, "BIND_NOW": 8, "STATIC_TLS": 16}
DF_1 = {"NOW": 1, "GLOBAL": 2, "NODELETE": 8, "INITFIRST": 0x20, "NODEFLIB": 0x800, "PIE": 0x08000000}
# What may lie where a library is expected, by name: bytes, or what `elf.library` is told beside the machine.
JUNK: dict[str, bytes | dict[str, Any]] = {
    "another machine": {"machine": 243},
    "another class": {"bits": 32, "machine": 3},
    "another class and byte order": {"bits": 32, "machine": 20, "byteorder": "big"},
    "empty": b"",
    "magic alone": b"\x7fELF",
    "a script": b"INPUT(libwanted.so.1)\n" + b" " * 64,
    "a text": b"no library at all, and longer than any header of one could be; so it is read whole",
    "an object file": {"kind": "relocatable"},
    "a program": {"kind": "executable"},
    "a position-independent program": {"flags_1": DF_1["PIE"]},
}


def junk(name: str, machine: str) -> bytes:
    facts = JUNK[name]
    return facts if isinstance(facts, bytes) else elf.library(**{"machine": MACHINES[machine], **facts})


@dataclass(frozen=True)
class Library:
    """One ELF file. `soname`: None is the file's name, "" none at all."""

    path: str
    soname: str | None = None
    needed: tuple[str, ...] = ()
    rpath: str | None = None
    runpath: str | None = None
    flags: tuple[str, ...] = ()  # names of DF and DF_1
    defines: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()  # that are defined, besides those of `defines`
    needs: tuple[str, ...] = ()  # "V1 of libg.so weak": versions besides those of `wants`
    hash_style: str = "gnu"

    @property
    def name(self) -> str | None:
        return os.path.basename(self.path) if self.soname is None else self.soname or None

    def content(self, here: str, machine: str) -> bytes:
        defined, wanted = [*map(Text.read, self.defines)], [*map(Text.read, self.wants)]
        versions = list(dict.fromkeys([*(each.version for each in defined if each.version), *self.versions]))
        defines = [self.name or "base", *versions] if versions else []
        needs, weak = needed_versions([*wanted, *(versioned(text) for text in self.needs)])
        order = [version for names in needs.values() for version in names]
        base = (len(defines) or 1) + 1
        symbols = [
            *(definition(each, 2 + versions.index(each.version) if each.version else 1) for each in defined),
            *(reference(each, base + order.index(each.version) if each.version else 1) for each in wanted),
        ]
        return elf_symbols.library(
            symbols, self.name, [placed(each, here) for each in self.needed], defines=defines, needs=needs, weak=weak,
            machine=MACHINES[machine], hash_style=self.hash_style,
            texts={"DT_RPATH": placed_or_none(self.rpath, here), "DT_RUNPATH": placed_or_none(self.runpath, here)},
            flags=sum(DF.get(flag, 0) for flag in self.flags), flags_1=sum(DF_1.get(flag, 0) for flag in self.flags),
        )  # fmt: skip


def placed(text: str, here: str) -> str:
    return text.replace("{here}", here)


def placed_or_none(text: str | None, here: str) -> str | None:
    return None if text is None else placed(text, here)


@dataclass(frozen=True)
class Open:
    """dlopen(3). `flags`: "NOW", "LAZY GLOBAL", "NOW NOLOAD" ..."""

    name: str
    flags: str = "NOW"


@dataclass(frozen=True)
class Look:
    """dlsym(3) or dlvsym(3), from the program: in what a step has opened (its number, from 0), or by default."""

    name: str  # "f", "f@V1"
    opened: int | None = None


@dataclass(frozen=True)
class Move:
    """rename(2), between two openings."""

    path: str
    to: str


Step = Open | Look | Move


@dataclass(frozen=True)
class World:
    libraries: tuple[Library, ...] = ()
    links: tuple[tuple[str, str], ...] = ()  # path, what the symbolic link says
    hard_links: tuple[tuple[str, str], ...] = ()  # path, the file
    copies: tuple[tuple[str, str], ...] = ()
    directories: tuple[str, ...] = ()
    junk: tuple[tuple[str, str], ...] = ()  # path, a name of JUNK
    program: str = PROGRAM  # where it is
    needed: tuple[str, ...] = ()  # of the program; before the C library
    rpath: str | None = None
    runpath: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    directory: str = "."  # the current one
    secure: bool = False  # AT_SECURE
    steps: tuple[Step, ...] = ()

    def write(self, here: Path, machine: str) -> None:
        """Everything but the program, which each loader has its own way to bring."""
        for directory in (*self.directories, self.directory, os.path.dirname(self.program) or "."):
            (here / directory).mkdir(parents=True, exist_ok=True)
        for library in self.libraries:
            made(here / library.path).write_bytes(library.content(str(here), machine))
        for path, name in self.junk:
            made(here / path).write_bytes(junk(name, machine))
        for path, target in self.links:
            made(here / path).symlink_to(placed(target, str(here)))
        for path, file in self.hard_links:
            made(here / path).hardlink_to(here / file)
        for path, file in self.copies:
            shutil.copy(here / file, made(here / path))

    def variables(self, here: Path) -> dict[str, str]:
        return {name: placed(value, str(here)) for name, value in self.environment}


def made(path: Path) -> Path:
    """The path; its directory is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


# ---------------------------------------------------------------------------------------------------------- answers

ALREADY = "already opened"  # the rule of a request that an object in the process satisfies by one of its names
NOWHERE = "nowhere"
SAME, REFUSED = "same file", "refused"


class Request(NamedTuple):
    """Who wants which name, and how it came to it. What was tried is told of directories that are there."""

    by: str
    wanted: str
    rule: str  # as `Candidate.rule`; ALREADY; NOWHERE
    path: str | None = None  # where the file is; None: nowhere, or `wanted` itself is the path
    how: str = "opened"  # SAME: the file is one of an object that is there; REFUSED: the search ends
    tried: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = "" if self.how == "opened" else f", {self.how}"
        return f"{self.by}: {self.wanted}: {self.rule}{shown}" + (f": {self.path}" if self.path else "")


class Binding(NamedTuple):
    """Whose definition a reference is bound to."""

    by: str
    symbol: str  # "f", "f@V1"
    supplier: str

    def __str__(self) -> str:
        return f"{self.by}: {self.symbol}: {self.supplier}"


@dataclass(frozen=True)
class Outcome:
    """What came of one step (or of the start of the program); paths are relative to the world where they can be."""

    opened: str | None = None  # the object, by the path that the loader knows it by; of a Look: whose symbol it is
    refused: str | None = None  # the loader's words
    added: tuple[str, ...] = ()  # objects, in load order
    requests: tuple[Request, ...] = ()
    scopes: tuple[str, ...] = ()  # the lists that are searched for the symbols of what is opened for the first time
    bindings: tuple[Binding, ...] = ()
    initialised: tuple[str, ...] = ()

    def told(self, key: str) -> object:
        """One part of it, as it is written in TOML."""
        found = getattr(self, key)
        return [str(each) for each in found] if isinstance(found, tuple) else found


@dataclass(frozen=True)
class Answer:
    start: Outcome
    steps: tuple[Outcome, ...]


def differences(loader: Answer, ours: Answer) -> list[str]:
    """What the two do not say alike, one line each."""
    if len(loader.steps) != len(ours.steps):
        return [f"loader: {loader.start.refused}; we: {ours.start.refused}"]
    pairs = zip((loader.start, *loader.steps), (ours.start, *ours.steps), strict=True)
    return [
        f"{'start' if number < 0 else f'step {number}'}, {key}:\n  loader {vars(his)[key]}\n  we     {vars(own)[key]}"
        for number, (his, own) in enumerate(pairs, -1)
        for key in vars(his)
        if vars(his)[key] != vars(own)[key]
    ]


# ------------------------------------------------------------------------------------------------------------- rules


@dataclass(frozen=True)
class Rule:
    """A sentence of a manual or a source, a world that exercises it, and what a loader is expected to answer."""

    name: str
    says: str
    source: str
    world: World
    start: Mapping[str, object] = field(default_factory=dict)  # by name of a field of Outcome
    expected: tuple[Mapping[str, object], ...] = ()  # for each step
    since: tuple[int, ...] = ()  # versions of the loader for which it holds: from here on ...
    until: tuple[int, ...] = (99,)  # ... up to here, this one not included
    machines: tuple[str, ...] = ()  # on which it can be asked, as `uname -m` spells them; (): on all

    def essence(self, of: Answer) -> tuple[dict[str, object], list[dict[str, object]]]:
        """What of an answer is expected to be something."""
        return told(of.start, self.start), [told(*pair) for pair in zip(of.steps, self.expected, strict=True)]


def told(outcome: Outcome, keys: Iterable[str]) -> dict[str, object]:
    return {key: outcome.told(key) for key in keys}


def rules(directory: Path) -> Iterator[Rule]:
    for path in sorted(directory.glob("*/rule.toml")):
        yield read(path.parent.name, path.read_text("utf-8"))


def read(name: str, text: str) -> Rule:
    """A rule from its TOML; a key that means nothing is an error."""
    written = tomllib.loads(text)
    own = ("says", "source", "start", "expected", "since", "until", "machines")
    facts = {key: written.pop(key) for key in own if key in written}
    for key in ("since", "until", "machines", "expected"):
        if key in facts:
            facts[key] = tuple(facts[key])
    assert facts.get("expected") or facts.get("start"), f"{name}: nothing is expected"
    return Rule(name, world=world(written), **facts)


def world(written: Mapping[str, Any]) -> World:
    facts: dict[str, Any] = frozen(written)
    facts["libraries"] = tuple(Library(**frozen(each)) for each in facts.pop("library", ()))
    facts["steps"] = tuple(step(each) for each in facts.pop("step", ()))
    for key in ("links", "hard_links", "copies", "junk", "environment"):
        facts[key] = tuple(facts.get(key, {}).items())
    return World(**facts)


def step(written: Mapping[str, Any]) -> Step:
    facts = dict(written)
    if "open" in facts:
        return Open(facts.pop("open"), **facts)
    return Look(facts.pop("look"), **facts) if "look" in facts else Move(facts.pop("move"), **facts)


def frozen(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
