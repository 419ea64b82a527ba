"""What we answer: `loaders.musl_opening`, asked about a world that has been written, in the words of asking_musl."""

from __future__ import annotations

import os
from pathlib import Path

from findlibs2 import files, host
from findlibs2.formats import elf_hashes
from findlibs2.loaders import musl_opening, musl_process
from findlibs2.loaders.musl_opening import Opened
from findlibs2.loaders.musl_process import Installation, Process
from findlibs2.model import Host
from tests.oracle.asking_musl import LOADER, Answer, Outcome, relative
from tests.oracle.musl_program import CONSTRUCTOR
from tests.oracle.world import Binding, Look, Open, World, placed


def installation(world: World, here: Path) -> Installation:
    """The machine with the world in it, as the world's program finds it."""
    program = files.read(str(here / world.program)).binary
    assert program is not None
    variables, directory, reading = world.variables(here), here / world.directory, files.Reading()

    def absolute(path: str) -> str:
        return os.path.join(directory, path)

    return Installation(
        host=Host(
            "linux", "musl", host.version_of_musl(Path(LOADER).read_bytes()), program.machine, program.bits,
            program.byteorder, program, variables.get("LD_LIBRARY_PATH"),
        ),
        read=lambda path: files.read(absolute(path)),
        errno=lambda file: errno(file.path),
        symbols=lambda path: reading.symbols(absolute(path)),
        referred=lambda path: sorted(files.referred(absolute(path)) or ()) if absolute(path).startswith(f"{here}/") else (),
        hashed=elf_hashes.gnu_hash,
        default_directories=lambda: host.of_musl(LOADER),
        preload=variables.get("LD_PRELOAD", ""),
    )  # fmt: skip


def errno(path: str) -> int:
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError as error:
        return error.errno or 0
    return 0


def ask(world: World, here: Path) -> Answer:
    """Our answer; the world has been written."""
    machine = installation(world, here)
    process, opened = musl_opening.start(machine)
    first = outcome(world, here, process, opened)
    if opened.refused:
        return Answer(Outcome(refused=first.refused, tried=first.tried), ())
    outcomes: list[Outcome] = []
    numbers: list[int | None] = []
    for step in world.steps:
        if isinstance(step, Look):
            numbers.append(None)
            outcomes.append(looked(step, process, numbers, machine, here))
        else:
            assert isinstance(step, Open)
            process, opened = musl_opening.dlopen(process, placed(step.name, str(here)), step.flags.split(), machine)
            numbers.append(opened.object)
            outcomes.append(outcome(world, here, process, opened))
    return Answer(Outcome(**{**vars(first), "opened": None}), tuple(outcomes))


def outcome(world: World, here: Path, process: Process, opened: Opened) -> Outcome:
    names = [relative(each.path, here) for each in process.objects]

    return Outcome(
        None if opened.object is None else names[opened.object],
        tuple(words.replace(f"{here}/", "") for words in opened.refused),
        tuple(names[each] for each in opened.added),
        tuple(relative(path, here) for each in opened.requests for path in each.tried),
        tuple(
            sorted({Binding(names[each.by], each.symbol.decode(), names[each.supplier]) for each in opened.bindings})
        ),
        tuple(names[each] for each in opened.constructors if tells(process.objects[each].path, world, here)),
    )


def tells(path: str, world: World, here: Path) -> bool:
    """Whether a file has a constructor that tells: what lies there in place of a library has none."""
    return CONSTRUCTOR in here.joinpath(world.directory, path).read_bytes()


def looked(step: Look, process: Process, numbers: list[int | None], machine: Installation, here: Path) -> Outcome:
    scope = None
    if step.opened is not None:
        number = numbers[step.opened]
        assert number is not None, "look in what was opened"
        scope = musl_process.closure(process.objects, number)
    found = musl_process.supplier(process, step.name.encode(), machine, scope)
    if found is None:
        return Outcome(refused=(f"Symbol not found: {step.name}",))
    return Outcome(opened=relative(process.objects[found].path, here))
