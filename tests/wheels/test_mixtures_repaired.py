"""A fix is safe if followed blindly: whoever pastes what `check` says of a broken mixture gets a stack that loads.

What pip does is taken from the metadata of the wheels: a wrapper brings those that it requires, each in one exact version.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest

from tests.wheels.releases import ROWS, Mixture, wrappers
from tests.wheels.run import run
from tests.words.said import requirements

BROKEN = [mixture for row in ROWS if row.missing or row.absent for mixture in row.mixtures()]
CHECK = "import sys\nfrom findlibs2 import cli\nsys.exit(cli.main(['check', {name!r}]))"
REQUIRED = re.compile(r"^Requires-Dist: ([\w-]+)==[\d.]+\.(\d+)$", re.MULTILINE)


def told(library: str, site: dict[str, str]) -> tuple[bool, list[list[str]]]:
    """Whether it can be loaded, and what people are told to type."""
    done = run(CHECK.format(name=library), *(wrappers(each)[name] for name, each in site.items()), requirements())
    fixes = re.findall(r"^ *fix: (.*)$", done.stdout, re.MULTILINE)
    return done.returncode == 0, [shlex.split(fix, comments=True) for fix in fixes]


def installed_by(command: list[str]) -> Iterator[tuple[str, str]]:
    """Import name and counter of every wrapper that is there after `pip install a==1.2.3.4 ...`."""
    assert command[:2] == ["pip", "install"]
    for requirement in command[2:]:
        yield from with_required(*re.fullmatch(r"([\w-]+)==[\d.]+\.(\d+)", requirement).groups())  # type: ignore[union-attr]


def with_required(distribution: str, counter: str) -> Iterator[tuple[str, str]]:
    name = distribution.replace("-", "_")
    (metadata,) = wrappers(counter)[name].glob("*.dist-info/METADATA")
    for each in REQUIRED.findall(metadata.read_text()):
        yield from with_required(*each)
    yield name, counter


@pytest.mark.parametrize("mixture", BROKEN, ids=str)
def test_whoever_types_the_one_command_that_is_told_gets_a_stack_that_loads(mixture: Mixture) -> None:
    site = {name: mixture.counter if name in mixture.others else mixture.release for name in wrappers(mixture.release)}
    loads, (command,) = told(mixture.library, site)
    assert not loads
    site.update(pair for pair in installed_by(command) if pair[0] in site)
    assert told(mixture.library, site) == (True, []), command
