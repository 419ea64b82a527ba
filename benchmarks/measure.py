"""How it is measured. Counts repeat themselves from run to run; times do not, and are only ever compared in pairs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.wheels.environments import CACHE, PYTHON
from tests.wheels.run import variables
from tests.wheels.strace import trace

# valgrind(1), --tool=callgrind: at the end, "==1234== Collected : 30612345", instructions executed in user space.
_COLLECTED = re.compile(r"^==\d+== Collected : (\d+)$", re.MULTILINE)


class Counts(NamedTuple):
    """What one process did."""

    instructions: int
    system_calls: int
    path_operations: int
    failed_path_operations: int
    built_elsewhere: int  # path operations under a search directory that a file brought from its build machine

    def over(self, nothing: Counts) -> Counts:
        """Without what an interpreter does that runs `pass`."""
        return Counts(*(mine - base for mine, base in zip(self, nothing, strict=True)))


class Spread(NamedTuple):
    """Smallest, middle and largest of some ratios."""

    smallest: float
    middle: float
    largest: float


def interpreter(installed: Sequence[Path]) -> Path:
    """An interpreter as after `python -m venv` and `pip install`: *installed* are what is in its site-packages, by link."""
    place = CACHE / f"bench-cp{PYTHON.replace('.', '')}"
    if not (place / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    site = place / "lib" / f"python{PYTHON}" / "site-packages"
    for link in site.iterdir():
        link.unlink()
    for path in installed:
        (site / path.name).symlink_to(path)
    return place / "bin" / "python"


def environment_variables() -> dict[str, str]:
    """PYTHONDONTWRITEBYTECODE is not among them: it would make every module be compiled each time."""
    return variables({"PYTHONHASHSEED": "0"})


def count(command: Sequence[str], elsewhere: Sequence[str]) -> Counts:
    subprocess.run(command, check=True, env=environment_variables(), cwd="/")  # writes .pyc files, fills caches
    calls = trace(command, environment_variables())
    paths = len(calls.paths), len(calls.failed_paths), len(calls.under(elsewhere))
    return Counts(instructions(command), len(calls.calls), *paths)


def instructions(command: Sequence[str]) -> int:
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command]
    done = subprocess.run(valgrind, capture_output=True, text=True, check=True, env=environment_variables(), cwd="/")
    collected = _COLLECTED.search(done.stderr)
    if collected is None:
        raise RuntimeError(done.stderr)
    return int(collected[1])


def processor_seconds(command: Sequence[str]) -> float:
    """User and system time of one fresh process, from its start to its end."""
    child = subprocess.Popen(command, env=environment_variables(), cwd="/")
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"returned {child.returncode}: {command[-1]}")
    return usage.ru_utime + usage.ru_stime


def ratios(commands: Sequence[Sequence[str]], rounds: int) -> list[Spread]:
    """Processor time of the first command divided by that of each. In every round each runs once, in turn."""
    return spreads(commands, rounds, processor_seconds)


def spreads(commands: Sequence[Sequence[str]], rounds: int, seconds: Callable[[Sequence[str]], float]) -> list[Spread]:
    taken = [[seconds(command) for command in commands] for _ in range(rounds)]
    paired = [[each[0] / each[position] for each in taken] for position in range(len(commands))]
    return [Spread(min(one), median(one), max(one)) for one in paired]
