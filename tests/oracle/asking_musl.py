"""What musl's loader answers: a program is started in a world and goes through its steps.

This loader tells nothing by itself. So the files that it opens are seen from outside (strace), whose definition a reference
is bound to is read from memory, and each library has a constructor, which tells that it runs.
"""

from __future__ import annotations

import os
import re
import struct
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests import need
from tests.oracle.world import Binding, Library, Look, Open, World, placed

LOADER = "/lib/ld-musl-x86_64.so.1"
NEEDED = (need.linux(), need.tool("musl-gcc", "strace"))
# include/dlfcn.h
FLAGS = {"LAZY": 1, "NOW": 2, "NOLOAD": 4, "GLOBAL": 0x100, "LOCAL": 0}


@dataclass(frozen=True)
class Outcome:
    """What came of one step (or of the start of the program); paths are relative to the world where they can be."""

    opened: str | None = None  # the object; of a Look: whose symbol it is
    refused: tuple[str, ...] = ()  # the loader's words
    added: tuple[str, ...] = ()  # objects, in load order
    tried: tuple[str, ...] = ()  # what was opened, or should have been, in this order
    bindings: tuple[Binding, ...] = ()  # of references that were not bound before
    initialised: tuple[str, ...] = ()

    def told(self, key: str) -> object:
        """One part of it, as it is written in TOML."""
        found = getattr(self, key)
        return [str(each) for each in found] if isinstance(found, tuple) else found


class Answer(NamedTuple):
    start: Outcome
    steps: tuple[Outcome, ...]


# ------------------------------------------------------------------------------------------------------------- asking


def words(world: World, here: Path) -> list[str]:
    """The arguments of the program."""
    found: list[str] = []
    for step in world.steps:
        if isinstance(step, Open):
            found += ["open", placed(step.name, str(here)), str(sum(FLAGS[flag] for flag in step.flags.split()))]
        else:
            assert isinstance(step, Look)
            found += ["look", step.name, "" if step.opened is None else str(step.opened)]
    return found


def ask(world: World, here: Path) -> Answer:
    """The loader's answer; the world has been written."""
    log, told = here.with_name(here.name + ".strace"), here.with_name(here.name + ".constructors")
    set_variables = [f"--env={name}={value}" for name, value in world.variables(here).items()]
    command = ["strace", "-o", log, "-s4096", "-etrace=open,execve", *set_variables, here / world.program]
    with told.open("w+b") as constructors:
        done = subprocess.run(
            [*map(str, command), *words(world, here)], stdin=constructors, capture_output=True, text=True,
            cwd=here / world.directory, env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
    if done.returncode == 127:
        return Answer(Outcome(refused=tuple(told_words(done.stderr, here)), tried=opens(log, here)[0]), ())
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    telling = Telling(world, here)
    rows = zip(done.stdout.split("@step\n")[1:], opens(log, here), addresses(told), strict=True)
    outcomes = [telling.outcome(*row) for row in rows]
    return Answer(outcomes[0], tuple(outcomes[1:]))


def told_words(text: str, here: Path) -> Iterator[str]:
    return (line.replace(f"{here}/", "") for line in text.splitlines())


def opens(log: Path, here: Path) -> list[tuple[str, ...]]:
    """The files that were opened, or should have been, step by step."""
    _, program, rest = log.read_text().partition('execve("')
    steps = (program + rest).split('open("@step"')
    return [
        tuple(relative(path, here) for path in re.findall(r'^open\("(.*?)"', each, re.M) if is_told(path))
        for each in steps
    ]


def is_told(path: str) -> bool:
    return not path.endswith(".path")  # the loader's own list of directories


def addresses(told: Path) -> list[list[int]]:
    """Where the constructors are that ran, step by step."""
    found: list[list[int]] = [[]]
    for (address,) in struct.iter_unpack("<Q", told.read_bytes()):
        if address:
            found[-1].append(address)
        else:
            found.append([])
    return found


def relative(path: str, here: Path) -> str:
    return path.removeprefix(f"{here}/")


class Telling:
    """What the program prints, put into words."""

    def __init__(self, world: World, here: Path) -> None:
        self.world, self.here = world, here
        self.known: dict[int, str] = {}  # path, by address
        self.bound: set[tuple[int, int]] = set()  # address of an object, number of its reference
        self.wants = {str(here / each.path): references(each) for each in world.libraries}

    def outcome(self, text: str, tried: tuple[str, ...], ran: Sequence[int]) -> Outcome:
        before, told = set(self.known), [line.partition(" ")[::2] for line in text.splitlines()]
        words: dict[int, list[int]] = {}
        for kind, rest in told:
            if kind == "@map":
                address, _, path = rest.partition(" ")
                here = int(address, 16)
                words[here] = []
                self.known[here] = path
            elif kind == "@word":
                words[here].append(int(rest, 16))
        answers = dict(told)
        found = self.owner(int(answers["@at"], 16)) if "@at" in answers else None
        return Outcome(
            self.named(answers["@is"]) if "@is" in answers else found,
            tuple(told_words(answers.get("@no", ""), self.here)),
            tuple(self.named(path) for address, path in self.known.items() if address not in before and path),
            tried,
            tuple(sorted(self.bindings(words))),
            tuple(self.owner(address) for address in ran),
        )

    def bindings(self, words: dict[int, list[int]]) -> Iterator[Binding]:
        for address, values in words.items():
            path = os.path.realpath(self.here / self.world.directory / self.known[address])
            for number, value in enumerate(values):
                if value and (address, number) not in self.bound:
                    self.bound.add((address, number))
                    yield Binding(self.named(self.known[address]), self.original(path)[number], self.owner(value))

    def original(self, path: str) -> Sequence[str]:
        """What a file refers to, or the one that it is a copy of."""
        copies = {
            str(self.here / copy): str(self.here / file) for copy, file in (*self.world.copies, *self.world.hard_links)
        }
        while path not in self.wants:
            path = os.path.realpath(copies[path])
        return self.wants[path]

    def owner(self, address: int) -> str:
        return self.named(self.known[max(start for start in self.known if start <= address)])

    def named(self, path: str) -> str:
        return relative(path, self.here)


def references(library: Library) -> list[str]:
    """The names in the order of the relocations: as tests/build/elf_symbols.py orders them."""
    referred = [text for text in library.defines if "referred" in text.split()]
    assert len(referred) <= 1, "their order is that of the hash table"
    return [text.split()[0].partition("@")[0] for text in (*library.wants, *referred)]
