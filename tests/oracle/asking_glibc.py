"""What glibc's loader answers: a program is started in a world, goes through the steps, and the loader tells (LD_DEBUG).

The program is that of tests/oracle/programs.py.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.oracle.programs import Slots
from tests.oracle.world import (
    NOWHERE,
    REFUSED,
    SAME,
    Answer,
    Binding,
    Look,
    Move,
    Open,
    Outcome,
    Request,
    World,
    placed,
)

# What every process has.
SYSTEM = frozenset({"libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "linux-vdso.so.1"})
RULES = {"system search path": "default directory", "cache": "ld.so.cache"}
MISSING = re.compile("cannot open shared object file|wrong ELF class")
LATER = re.compile("undefined symbol|version `|not defined in file")  # what is only said when all files are found
PRELOADED = re.compile(
    r"^ERROR: ld.so: object '(.*)' from LD_PRELOAD cannot be preloaded \((.*)\): ignored.$", re.MULTILINE
)
# <bits/dlfcn.h>
FLAGS = {"LAZY": 1, "NOW": 2, "NOLOAD": 4, "DEEPBIND": 8, "GLOBAL": 0x100, "LOCAL": 0, "NODELETE": 0x1000}


def write(world: World, here: Path, slots: Slots, machine: str) -> None:
    """The world with its program."""
    here.mkdir(exist_ok=True)
    world.write(here, machine)
    tags = [("DT_NEEDED", name) for name in world.needed]
    tags += [
        (tag, text) for tag, text in (("DT_RPATH", world.rpath), ("DT_RUNPATH", world.runpath)) if text is not None
    ]
    program = here / world.program
    program.write_bytes(slots.filled([(tag, placed(text, str(here))) for tag, text in tags]))
    program.chmod(0o755)
    if world.secure:
        os.chown(program, 0, 65534)
        program.chmod(0o2755)  # another effective group: AT_SECURE


def ask(world: World, here: Path) -> Answer:
    """The loader's answer; the world has been written."""
    command = [str(here / world.program)]
    for step in world.steps:
        command += arguments(step, str(here))
    variables = {**world.variables(here), "LC_ALL": "C", "LD_DEBUG": "files,libs,bindings,scopes"}
    done = subprocess.run(
        command, cwd=here / world.directory, env=variables, stdin=subprocess.DEVNULL, capture_output=True, timeout=60
    )
    words = os.fsdecode(done.stderr)
    parts = re.split(r"^@(?:start|step|end)\n", re.sub(r"^ +\d+:\t", "", words, flags=re.MULTILINE), flags=re.MULTILINE)
    if len(parts) == 1 or done.returncode:
        return Answer(Outcome(refused=relative(died(words, command[0]), here)), ())
    listened = Listener(here, world)
    # What is bound by and by, while the program runs, is told at the end of the step before.
    return Answer(listened.started(parts[0], parts[1]), tuple(map(listened.step, world.steps, parts[2:])))


def arguments(step: Open | Look | Move, here: str) -> list[str]:
    if isinstance(step, Open):
        return ["open", placed(step.name, here), str(sum(FLAGS[flag] for flag in step.flags.split()))]
    if isinstance(step, Look):
        return ["look", step.name, "" if step.opened is None else str(step.opened)]
    return ["move", f"{here}/{step.path}", f"{here}/{step.to}"]


def died(words: str, program: str) -> str:
    """The loader's words when it ends a process: of an assertion what was asserted, else without the program's name."""
    said = [line for line in words.splitlines() if not re.match(r" +\d+:\t|@", line)]
    asserted = re.search(r"Assertion `(.*)' failed", words)
    if asserted:
        return asserted[1]
    # Of versions all are told that are missing, and some that are not.
    versions = [line for line in said if ": version `" in line]
    last = versions[0] if versions else said[-1] if said else "no words"
    last = last.removeprefix(f"{program}: ").removeprefix("error while loading shared libraries: ")
    return last.removeprefix("symbol lookup error: ")


def relative(text: str, here: Path) -> str:
    return re.sub(rf"{re.escape(str(here))}/+", "", text)


class Listener:
    """Understands what the loader tells of one world."""

    SEARCH = re.compile(
        r"^(?:file=(?P<wanted>.*) \[0\];  (?:needed by|dynamically loaded by) (?P<by>.*) \[0\]"
        r"|file=(?P<new>.*) \[0\];  generating link map"
        r"| search path=.*\t\t\((?P<rule>RPATH|RUNPATH|LD_LIBRARY_PATH|system search path)(?: from file (?P<owner>.*))?\)"
        r"| search (?P<cache>cache)=.*"
        r"|  trying file=(?P<trying>.*))$",
        re.MULTILINE,
    )
    BINDING = re.compile(r"^binding file (.*) \[0\] to (.*) \[0\]: \w+ symbol `(.*?)'(?: \[(.*)\])?$", re.MULTILINE)

    def __init__(self, here: Path, world: World) -> None:
        self.here, self.world = here, world
        self.objects: list[str] = []
        self.moves = [step for step in world.steps if isinstance(step, Move)]  # that have not been made

    def started(self, words: str, answer: str) -> Outcome:
        return self.outcome(words, answer, str(self.here / self.world.program))

    def step(self, step: Open | Look | Move, answer: str) -> Outcome:
        if isinstance(step, Move):
            self.moves.remove(step)
        # What is bound while the program itself runs stands behind its own words.
        return self.outcome(answer.partition("\n@")[0] if isinstance(step, Open) else "", answer, "")

    def outcome(self, words: str, answer: str, top: str) -> Outcome:
        opened, refused = (re.search(rf"^@{word} (.*)$", answer, re.MULTILINE) for word in ("is", "no"))
        known = re.findall(r"^@map (.*)$", answer, re.MULTILINE) or self.objects
        added, self.objects = known[len(self.objects) :], known
        said = relative(refused[1], self.here) if refused else None
        return Outcome(
            self.path(opened[1]) if opened else None, said, self.own(added), tuple(self.requests(words, said)),
            self.scopes(words, top or (opened[1] if opened else "")), self.bindings(words),
            self.own(re.findall(r"^calling init: (.*)$", words, re.MULTILINE)),
        )  # fmt: skip

    def scopes(self, words: str, top: str) -> tuple[str, ...]:
        """The lists that are gone through for the symbols of what is opened, one after the other."""
        found = re.search(rf"^object={re.escape(top)} \[0\]\n((?: scope \d+: .*\n)+)", words, re.MULTILINE)
        told = re.findall(r"^ scope \d+: (.*)$", found[1], re.MULTILINE) if found and top else []
        return tuple(" ".join(self.own(each.split())) for each in told)

    def bindings(self, words: str) -> tuple[Binding, ...]:
        found = {
            Binding(self.path(by), f"{symbol}@{version}" if version else symbol, self.path(supplier))
            for by, supplier, symbol, version in self.BINDING.findall(words)
            if by not in SYSTEM
        }
        return tuple(sorted(each for each in found if each.by[:1] != "/" and each.by != self.world.program))

    def requests(self, words: str, refused: str | None) -> Iterator[Request]:
        searches: list[Search] = []
        for found in self.SEARCH.finditer(words):
            if found["wanted"] is not None:
                searches.append(Search(found["by"], found["wanted"]))
            elif searches:
                searches[-1].hear(found, str(self.here / self.world.program))
        ignored = dict(PRELOADED.findall(words))
        for search in searches:
            if search.wanted not in SYSTEM:
                ends = search is searches[-1] and refused is not None and not LATER.search(refused)
                yield self.request(search, refused if ends else ignored.get(search.wanted))

    def request(self, search: Search, refused: str | None) -> Request:
        tried = [path for path in search.tried if self.is_there(os.path.dirname(path))]
        how = "opened" if search.is_new else SAME if refused is None else REFUSED
        rule, path = search.rule or "path", search.tried[-1] if search.tried else None
        if refused is not None and MISSING.search(refused):
            rule, path, how = NOWHERE, None, "opened"
            tried = tried[:-1] if search.in_cache else tried
        return Request(
            self.path(search.by), relative(search.wanted, self.here), rule, path and self.path(path), how,
            # Some subdirectories for processors are tried twice (elf/dl-hwcaps.c): "x86_64" may be capability and platform.
            tuple(dict.fromkeys(map(self.path, tried))),
        )  # fmt: skip

    def is_there(self, directory: str) -> bool:
        """Whether a directory was there when it was searched."""
        there = os.path.join(self.here, self.world.directory, directory)
        path = os.path.normpath(there)
        for move in self.moves:
            before, after = f"{self.here}/{move.path}", f"{self.here}/{move.to}"
            if f"{path}/".startswith(f"{after}/"):
                return False
            if f"{path}/".startswith(f"{before}/"):
                there = path = after + path[len(before) :]
        # By way of a directory that has been moved since ("moved/../other") only the text leads there.
        return os.path.isdir(there) or bool(self.moves and os.path.isdir(path))

    def path(self, path: str) -> str:
        return relative(path, self.here) or self.world.program

    def own(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Without what every process has."""
        return tuple(self.path(path) for path in paths if os.path.basename(path) not in SYSTEM)


class Search:
    """What was heard of one request."""

    def __init__(self, by: str, wanted: str) -> None:
        self.by, self.wanted = by, wanted
        self.is_new = self.in_cache = False
        self.rule = ""
        self.tried: list[str] = []

    def hear(self, found: re.Match[str], program: str) -> None:
        if found["new"] is not None:
            self.is_new = True
        elif found["trying"] is not None:
            self.tried.append(found["trying"])
            self.in_cache = self.rule == RULES["cache"]
        else:
            rule = found["rule"] or found["cache"]
            of_program = rule == "RPATH" and found["owner"] == program
            if self.in_cache:
                # What is in the cache is told as tried before it is asked whether the object wants it (-z nodeflib).
                del self.tried[-1]
            self.in_cache = False
            self.rule = "RPATH of the executable" if of_program else RULES.get(rule, rule)
