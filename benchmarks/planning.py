"""How planning grows: made stacks, from ten packages to a thousand."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.contenders import END
from benchmarks.measure import environment_variables, instructions
from tests.wheels import made
from tests.wheels.run import CHILD, project
from tests.wheels.strace import trace

Shape = Callable[[int], Mapping[str, tuple[str, ...]]]
SHAPES: tuple[tuple[Shape, tuple[int, ...]], ...] = ((made.chain, (10, 100, 1000)), (made.dense, (10, 50, 100, 200)))


class Growth(NamedTuple):
    """One made stack."""

    shape: str
    packages: int
    declared: int  # dependencies, all together
    instructions: int  # of `plan`, imports excluded
    path_operations: int


def growths() -> list[Growth]:
    return [growth(shape, count) for shape, counts in SHAPES for count in counts]


def growth(shape: Shape, count: int) -> Growth:
    needs = shape(count)
    with tempfile.TemporaryDirectory() as place:
        site = made.stack(Path(place, "site"), needs)
        first, last = (command(site, name) for name in ("n1", f"n{count}"))
        trace(first, environment_variables())  # writes .pyc files
        paths = len(trace(last, environment_variables()).between("begin", "end").paths)
        # What it costs to plan one package without dependencies is what it costs to import and to look around.
        cost = instructions(last) - instructions(first)
    return Growth(shape.__name__, count, sum(map(len, needs.values())), cost, paths)


def command(site: Path, name: str) -> list[str]:

    paths = [str(site), str(project()), str(CHILD)]
    marked = f"from inside import mark\nimport findlibs2\nmark('begin')\nfindlibs2.plan({name!r})\nmark('end')"
    return [sys.executable, "-S", "-s", "-c", f"import sys; sys.path[:1] = {paths!r}\n{marked}\n{END}"]
