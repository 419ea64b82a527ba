"""Every wrapper in a directory of its own on `sys.path`, in any order."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.wheels import closure
from tests.wheels.environments import environment, offered, separate
from tests.wheels.run import answer

LOAD = """
import findlibs2
for name in {names!r}:
    findlibs2.load(name)
tell(mapped())
"""
TOPS = {"33": ("mir", "multio-api", "gribjump"), "32": ("mir", "odccore"), "27": ("mir", "multio-api", "odccore")}


def orders() -> list[pytest.ParameterSet]:
    """As sorted, in reverse, and shuffled with seeds that stand in the name."""
    kinds = ("sorted", "reversed", "shuffled-1", "shuffled-2", "shuffled-3")
    return [pytest.param(counter, kind, id=f"{counter}-{kind}") for counter in offered() for kind in kinds]


def arranged(paths: list[Path], kind: str) -> list[Path]:
    if kind == "reversed":
        return paths[::-1]
    if kind.startswith("shuffled"):
        random.Random(kind).shuffle(paths)
    return paths


@pytest.mark.parametrize(("counter", "kind"), orders())
def test_the_stack_loads_from_directories_in_any_order(counter: str, kind: str) -> None:
    apart = arranged(list(separate(counter).values()), kind)
    mapped = answer(LOAD.format(names=TOPS[counter]), *apart)
    of_wheels = [path for path in mapped if any(place in Path(path).parents for place in apart)]
    site = environment(counter).site
    union = {soname for name in TOPS[counter] for soname in closure.closure(site, f"lib{name}.so")}
    assert sorted(closure.names(of_wheels)) == sorted(union)


@pytest.mark.parametrize("counter", offered())
def test_each_file_comes_from_the_directory_of_its_own_wrapper(counter: str) -> None:
    apart = separate(counter)
    mapped = answer(LOAD.format(names=["mir"]), *apart.values())
    homes = {Path(path).name: Path(path).parents[2] for path in mapped if len(Path(path).parents) > 2}
    libraries = {"libmir.so": "mirlib", "libeckit.so": "eckitlib", "libatlas.so": "atlaslib_ecmwf"}
    assert {name: homes[name] for name in libraries} == {name: apart[home] for name, home in libraries.items()}


@pytest.mark.parametrize("counter", offered())
def test_the_first_of_two_installations_is_taken_whole(counter: str) -> None:
    """The same wrappers twice on the path: nothing is mapped from the second."""
    whole, apart = environment(counter).site, separate(counter)
    mapped = answer(LOAD.format(names=["mir"]), *apart.values(), whole)
    assert [path for path in mapped if whole in Path(path).parents] == []
