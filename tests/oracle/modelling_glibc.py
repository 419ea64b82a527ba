"""What we answer: `loaders.glibc_opening`, asked about a world that has been written, in the words of the oracle."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from unittest import mock

from findlibs2 import files, host
from findlibs2.formats import elf_hashes
from findlibs2.loaders import glibc, glibc_opening, glibc_process
from findlibs2.loaders.glibc import Place, Seeker, Tokens
from findlibs2.loaders.glibc_process import Installation, Opened, Process
from tests.oracle.asking_glibc import SYSTEM, relative
from tests.oracle.world import (
    ALREADY,
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

_symbols = files.Reading().symbols


def installation(world: World, here: Path) -> Installation:
    """The machine with the world in it, as the world's program finds it."""
    program = files.read(str(here / world.program)).binary
    variables, directory = world.variables(here), here / world.directory
    reading = files.Reading()

    def absolute(path: str) -> str:
        return os.path.join(directory, path)

    def symbols(path: str) -> object:
        return (reading.symbols if absolute(path).startswith(f"{here}/") else _symbols)(absolute(path))

    def referred(path: str) -> list[int]:
        """Of what is not of the world the references are not looked at."""
        return sorted(files.referred(path) or ()) if path.startswith(f"{here}/") else []

    return Installation(
        host=host.snapshot().replace(
            executable=program, library_path=variables.get("LD_LIBRARY_PATH"), secure=world.secure
        ),
        read=lambda path: files.read(absolute(path)),
        symbols=symbols,  # type: ignore[arg-type]
        referred=referred,
        hashed=elf_hashes.gnu_hash,
        is_directory=lambda path: os.path.isdir(absolute(path)),
        cached=host.cached,
        default_directories=host.default_directories,
        processor=host.processor,
        directory=str(directory) if world.directory != "." else str(here),
        preload=variables.get("LD_PRELOAD", ""),
        dynamic_sort=int(variables.get("GLIBC_TUNABLES", "=0").rpartition("=")[2]) or None,
        dynamic_weak="LD_DYNAMIC_WEAK" in variables,
    )


def ask(world: World, here: Path) -> Answer:
    """Our answer; the world has been written. What the steps move is moved."""
    machine = installation(world, here)
    labels = Labels(machine)
    with mock.patch.object(Seeker, "of_list", labels.of_list):
        return Telling(world, here, labels).all(machine)


class Labels:
    """By which list the loader calls a directory: by the one in which it met it first (elf/dl-load.c, fillin_rpath: "See
    if this directory is already known"), and it says so only where the kind of list changes (open_path).
    """

    def __init__(self, machine: Installation) -> None:
        self.known = dict.fromkeys(machine.default_directories(), ("default directory", "default directory"))
        self.shown: dict[tuple[str, str, str], str] = {}  # of a place that was searched
        self.listed = Seeker.of_list
        program = machine.host.executable
        assert program is not None
        seeker = Seeker(machine.host, machine.default_directories, machine.processor, glibc.holds_nothing)
        tokens = seeker.tokens(program)
        # _dl_init_paths: the lists of the program and of the environment come first.
        own = program.rpath if program.runpath is None else program.runpath
        self.note("RPATH of the executable" if program.runpath is None else "RUNPATH", own or "", tokens, ":")
        self.note("LD_LIBRARY_PATH", machine.host.library_path or "", tokens, ":;")

    def note(self, rule: str, path_list: str, tokens: Tokens, separators: str) -> None:
        for _, directory in glibc.listed(path_list, tokens, separators) if path_list else ():
            self.known.setdefault(directory, (rule.partition(" of ")[0], rule))

    @property
    def of_list(self) -> object:
        def noting(
            seeker: Seeker, wanted: str, rule: str, by: str, path_list: str, tokens: Tokens, separators: str = ":"
        ) -> Iterator[Place]:
            self.note(rule, path_list, tokens, separators)
            now = shown = ""
            for place in self.listed(seeker, wanted, rule, by, path_list, tokens, separators):
                kind, label = self.known[place.directory]
                now, shown = (now, shown) if kind == now else (kind, label)
                self.shown[rule, by, place.path] = shown
                yield place

        return noting

    def of(self, place: Place) -> str:
        return self.shown.get((place.rule, place.by, place.path), place.rule)


class Telling:
    """Puts what the model says into the words of the oracle."""

    def __init__(self, world: World, here: Path, labels: Labels) -> None:
        self.world, self.here, self.labels = world, here, labels
        self.names: list[str] = []

    def all(self, machine: Installation) -> Answer:
        process, opened = glibc_opening.start(machine)
        start = self.outcome(process, opened)
        if opened.refused is not None:
            return Answer(Outcome(refused=start.refused), ())
        outcomes: list[Outcome] = []
        numbers: list[int | None] = []
        for step in self.world.steps:
            if isinstance(step, Move):
                os.rename(self.here / step.path, self.here / step.to)
                outcomes.append(Outcome())
            elif isinstance(step, Look):
                outcomes.append(self.looked(process, step, numbers, machine))
            else:
                name, flags = placed(step.name, str(self.here)), step.flags.split()
                process, opened = glibc_opening.dlopen(process, name, flags, machine)
                if opened.dies:
                    return Answer(Outcome(refused=opened.refused), ())
                outcomes.append(self.outcome(process, opened))
            numbers.append(opened.object if isinstance(step, Open) else None)
        return Answer(start, tuple(outcomes))

    def outcome(self, process: Process, opened: Opened) -> Outcome:
        objects = opened.attempted or process.objects
        self.names = [relative(each.path, self.here) or self.world.program for each in objects]
        is_start = process.objects and opened.added[:1] == (0,)
        bindings = {
            Binding(self.names[each.by], symbol(each.symbol, each.version), self.names[each.supplier])
            for each in opened.bindings
        }
        return Outcome(
            None if opened.object is None or is_start else self.names[opened.object],
            relative(opened.refused, self.here)
            if opened.refused is not None
            else ""
            if opened.object is None
            else None,
            self.own(opened.added),
            tuple(self.request(each) for each in opened.requests if each.rule != ALREADY and each.wanted not in SYSTEM),
            tuple(" ".join(self.own(each)) for each in opened.scopes),
            tuple(sorted(each for each in bindings if each.by != self.world.program)),
            self.own(number for number in opened.initialised if number),
        )

    def own(self, numbers: Iterable[int]) -> tuple[str, ...]:
        """Without what every process has."""
        names = [self.names[number] for number in numbers]
        return tuple(name for name in names if os.path.basename(name) not in SYSTEM)

    def request(self, made: glibc_process.Request) -> Request:
        tried = [relative(path, self.here) for path in made.tried if self.is_there(os.path.dirname(path))]
        rule, path = made.rule, None
        if made.place is not None and rule != "path":
            rule, path = self.labels.of(made.place), relative(made.place.path, self.here)
        how = "opened" if made.is_new or made.rule == NOWHERE else REFUSED if made.satisfied is None else SAME
        wanted = relative(made.wanted, self.here)
        return Request(
            self.names[made.by], wanted, rule, path, how, () if "/" in made.wanted else tuple(dict.fromkeys(tried))
        )

    def is_there(self, directory: str) -> bool:
        return os.path.isdir(self.here / self.world.directory / directory)

    def looked(self, process: Process, step: Look, numbers: list[int | None], machine: Installation) -> Outcome:
        name, _, version = step.name.partition("@")
        number = None if step.opened is None else numbers[step.opened]
        found = glibc_opening.dlsym(process, name.encode(), version.encode() if version else None, number, machine)
        if found is not None:
            return Outcome(opened=self.names[found])
        by = self.world.program if number is None else self.names[number]
        return Outcome(refused=f"{by}: undefined symbol: {name}" + (f", version {version}" if version else ""))


def symbol(name: bytes, version: bytes | None) -> str:
    return name.decode() + (f"@{version.decode()}" if version is not None else "")
