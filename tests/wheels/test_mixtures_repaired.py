"""A fix is safe if followed blindly: whoever pastes what `check` says of a broken mixture gets a stack that loads.

What pip does is taken from the metadata of the wheels: a wrapper brings those that it requires, each in one exact version.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest

from tests.wheels.releases import Mixture, wrappers
from tests.wheels.run import run
from tests.words.said import requirements

BASE = ("eckitlib", "eccodeslib", "metkitlib")
BROKEN = [
    Mixture("mir", "33", ("eckitlib",), "20"),
    Mixture("mir", "33", ("eccodeslib",), "30"),
    Mixture("mir", "33", ("eckitlib", "eccodeslib"), "30"),
    Mixture("mir", "33", ("mirlib",), "30"),
    Mixture("fdb5", "33", ("metkitlib",), "30"),
    Mixture("fdb5", "33", ("fdb5lib",), "30"),
    Mixture("fdb5", "33", BASE, "26"),
    Mixture("gribjump", "33", ("gribjumplib",), "27"),
    Mixture("multio-api", "33", (*BASE, "fdb5lib", "atlaslib_ecmwf", "mirlib"), "30"),
    Mixture("multio-api", "27", (*BASE, "fdb5lib"), "33"),
]
ROUNDS = 4
CHECK = "import sys\nfrom findlibs2 import cli\nsys.exit(cli.main(['check', {name!r}]))"
REQUIRED = re.compile(r"^Requires-Dist: ([\w-]+)==[\d.]+\.(\d+)$", re.MULTILINE)


def commands(library: str, site: dict[str, str]) -> list[list[str]] | None:
    """What people are told to type; None: nothing stops a load."""
    done = run(CHECK.format(name=library), *(wrappers(each)[name] for name, each in site.items()), requirements())
    if done.returncode == 0:
        return None
    return [shlex.split(fix, comments=True) for fix in re.findall(r"^ *fix: (.*)$", done.stdout, re.MULTILINE)]


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
def test_whoever_follows_what_is_said_gets_a_stack_that_loads(mixture: Mixture) -> None:
    site = {name: mixture.counter if name in mixture.others else mixture.release for name in wrappers(mixture.release)}
    typed = []
    for _ in range(ROUNDS):
        told = commands(mixture.library, site)
        if not told:
            break
        typed += told
        site.update(pair for command in told for pair in installed_by(command) if pair[0] in site)
    assert commands(mixture.library, site) is None, typed
