"""The process holds what a library needs, and nothing else."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from tests.wheels import closure
from tests.wheels.environments import environment, offered
from tests.wheels.run import answer

# Files of the wheels that are mapped after `load(name)`, by counter.
MAPPED = {
    "33": {
        "eckit": 24, "eckit_geo": 30, "eccodes": 35, "atlas": 34, "metkit": 37, "fdb5": 38, "gribjump": 39, "mir": 44,
        "multio-api": 67,
    },
    "32": {
        "eckit": 24, "eckit_geo": 30, "eccodes": 35, "atlas": 34, "metkit": 37, "fdb5": 38, "mir": 44, "odccore": 26,
    },
    "27": {
        "eckit": 24, "eckit_geo": 28, "eccodes": 33, "atlas": 34, "metkit": 35, "fdb5": 36, "gribjump": 37, "mir": 42,
        "multio-api": 66, "odccore": 26,
    },
}  # fmt: skip
CASES = [
    pytest.param(counter, name, count, id=f"{counter}-{name}")
    for counter in offered()
    for name, count in MAPPED[counter].items()
]
LOAD = """
import findlibs2
library = findlibs2.load({name!r})
assert type(library).__name__ == "CDLL", library
tell(mapped())
"""


@functools.cache
def loaded(counter: str, name: str) -> list[str]:
    mapped: list[str] = answer(LOAD.format(name=name), environment(counter).site)
    return mapped


def of_wheels(counter: str, mapped: list[str]) -> list[str]:
    return [path for path in mapped if environment(counter).site in Path(path).parents]


@pytest.mark.parametrize(("counter", "name", "count"), CASES)
def test_so_many_files_of_the_wheels_are_mapped(counter: str, name: str, count: int) -> None:
    assert len(of_wheels(counter, loaded(counter, name))) == count


@pytest.mark.parametrize(("counter", "name", "count"), CASES)
def test_they_are_the_closure_each_once_and_nothing_else(counter: str, name: str, count: int) -> None:
    mapped = of_wheels(counter, loaded(counter, name))
    assert sorted(closure.names(mapped)) == closure.closure(environment(counter).site, f"lib{name}.so")


@pytest.mark.parametrize(("counter", "name", "count"), CASES)
def test_no_name_is_in_the_process_twice(counter: str, name: str, count: int) -> None:
    every = sorted(closure.names(loaded(counter, name)))
    assert every == sorted(set(every))


@pytest.mark.parametrize("counter", offered())
def test_of_identical_copies_the_unversioned_name_is_taken(counter: str) -> None:
    mapped = {Path(path).name for path in loaded(counter, "mir")}
    assert {"libatlas.so", "libaec.so", "libqhull_r.so"} <= mapped


@pytest.mark.parametrize("counter", offered())
def test_the_whole_stack_in_one_process_is_the_union_of_the_closures(counter: str) -> None:
    names = list(MAPPED[counter])
    site = environment(counter).site
    mapped = answer(f"import findlibs2\nfor name in {names}: findlibs2.load(name)\ntell(mapped())", site)
    union = {soname for name in names for soname in closure.closure(site, f"lib{name}.so")}
    assert sorted(closure.names(of_wheels(counter, mapped))) == sorted(union)


@pytest.mark.parametrize("counter", offered())
def test_find_answers_with_the_file_of_the_wheel(counter: str) -> None:
    names, site = list(MAPPED[counter]), environment(counter).site
    found = answer(f"import findlibs2\ntell([findlibs2.find(name) for name in {names}])", site)
    wheels = {path.name: str(path) for path in closure.libraries(site)}
    assert found == [wheels[f"lib{name}.so"] for name in names]
