"""What it costs to look every import of a closure up in the tables of its libraries, beside those who read or open them.

Each contender does its work in a fresh interpreter and tells the processor time and the memory that the work alone took.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.contenders import END, NAME
from benchmarks.measure import Spread, environment_variables, spreads
from benchmarks.tables import table
from tests.wheels.environments import Environment
from tests.wheels.run import answer, command

# Both the libraries of the wheels, in load order, and all that the system adds to them.
CLOSURE = f"""
import ctypes, findlibs2
steps = [step.path for step in findlibs2.plan({NAME!r}).steps]
before = set(mapped())
for path in steps:
    ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
tell([steps, sorted(set(mapped()) | before)])
"""
MEASURED = """
import os, time
paths = {paths!r}
{before}
def kilobytes(what):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(what))
# proc(5), clear_refs: 5 sets the peak back to what there is now. (That of getrusage is inherited from the parent.)
with open("/proc/self/clear_refs", "w") as clear:
    clear.write("5")
memory, begun = kilobytes("VmRSS"), time.process_time()
{code}
spent, grown = time.process_time() - begun, kilobytes("VmHWM") - memory
print("[%r, %r, %r]" % (spent, grown, count), flush=True)
{end}
"""
# DT_SONAME is known from the plan.
VERIFY_BEFORE = """
from findlibs2 import files, link
from findlibs2.formats import elf_symbols
named = {path: files.read(path).binary.name or path for path in paths}
"""
VERIFY = """
tables = {path: files.symbols(path) for path in paths}
names = {os.fsencode(name): tables[path] for path, name in named.items()}
assert link.fits(tables, tables.values(), names.get)
count = sum(table.count for table in tables.values())
"""
ITERATE_BEFORE = "from elftools.elf.elffile import ELFFile"
ITERATE = """
count = 0
for path in paths:
    with open(path, "rb") as stream:
        file = ELFFile(stream)
        for symbol in file.get_section_by_name(".dynsym").iter_symbols():
            count += 1
        versions = file.get_section_by_name(".gnu.version")
        for version in versions.iter_symbols() if versions and {versions} else ():
            pass
"""
OPEN_BEFORE = "import ctypes"
OPEN = """
for path in paths:
    ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
count = 0
"""


class Work(NamedTuple):
    """One contender."""

    name: str
    before: str  # not measured
    code: str
    paths: Sequence[str]


class Cost(NamedTuple):
    """Of one process."""

    seconds: float
    kilobytes: int  # by which its resident memory grew at most
    symbols: int


def works(place: Environment) -> tuple[Work, ...]:
    """The first is what the others are compared with."""
    steps, closure = answer(CLOSURE, place.site)
    return (
        Work("findlibs2: read and look up", VERIFY_BEFORE, VERIFY, closure),
        Work("pyelftools: iterate over symbols", ITERATE_BEFORE, ITERATE.format(versions=False), closure),
        Work("pyelftools: over symbols and their versions", ITERATE_BEFORE, ITERATE.format(versions=True), closure),
        Work("ctypes: open", OPEN_BEFORE, OPEN, steps),
    )


def section(place: Environment, rounds: int) -> str:
    """The table."""
    compared = works(place)
    commands = [line(work) for work in compared]
    costs = [cost(each) for each in commands]
    # Divided by the first, in every round: how many times as long as findlibs2 each of them takes.
    ratios = spreads(commands, rounds, lambda each: 1 / cost(each).seconds)
    head = ("", "files", "symbols", "memory, MB", "processor time: times as much")
    return table(head, [row(*each) for each in zip(compared, costs, ratios, strict=True)])


def row(work: Work, spent: Cost, ratio: Spread) -> list[str]:
    symbols = f"{spent.symbols:,}" if spent.symbols else ""
    times = f"{ratio.middle:.2f} ({ratio.smallest:.2f} to {ratio.largest:.2f})"
    return [work.name, str(len(work.paths)), symbols, f"{spent.kilobytes / 1024:.1f}", times]


def line(work: Work) -> list[str]:
    code = MEASURED.format(paths=list(work.paths), before=work.before, code=work.code, end=END)
    return command(code, requirements())


def requirements() -> list[Path]:
    """Where pyelftools is; nothing else is measured that is not the standard library's or the project's."""
    import elftools

    return [Path(str(elftools.__file__)).parents[1]]


def cost(asked: Sequence[str]) -> Cost:
    done = subprocess.run(asked, capture_output=True, text=True, check=True, env=environment_variables(), cwd="/")
    return Cost(*json.loads(done.stdout))
