"""No false alarm: `check` and `load` on every library of every release since counter 17, beside the loader itself."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from tests.oracle.tracing import Told, trace
from tests.wheels.releases import COUNTERS, FORTRAN, IN_FORTRAN, held, wrappers
from tests.wheels.run import answer

RELEASES = pytest.mark.parametrize("counter", COUNTERS)
CHECK = """
import findlibs2
def errors(told):
    return [[finding.code, getattr(finding, "name", None)] for finding in told.findings if finding.severity == "error"]
for name, package in {libraries!r}:
    told = findlibs2.check(name, pkg_name=package)
    answers.append([name, errors(told), list(told.unchecked), [step.path for step in told.plan.steps]])
"""
LOAD = """
import findlibs2
for name, package in {libraries!r}:
    try:
        findlibs2.load(name, package)
    except findlibs2.FindlibsError as error:
        answers.append([name, [finding.name for finding in error.findings if finding.code == "missing-library"]])
"""
HAS_FORTRAN = f"import ctypes, os\ntry:\n    answers.append(bool(ctypes.CDLL({FORTRAN!r})))\nexcept OSError:\n    pass"


class Checked(NamedTuple):
    library: str
    errors: list[list[str | None]]
    unchecked: list[str]
    paths: list[str]


@functools.cache
def checked(counter: str) -> list[Checked]:
    """What `check` says of each library of a release."""
    return [Checked(*each) for each in asked(CHECK.format(libraries=held(wrappers(counter).values())), counter)]


def asked(code: str, counter: str) -> list[Any]:
    answers: list[Any] = answer(f"answers = []\n{code}\ntell(answers)", *wrappers(counter).values())
    return answers


@functools.cache
def without_a_runtime(counter: str) -> set[str]:
    """The libraries of a release that this machine can have no use for."""
    names = {name for name, _ in held(wrappers(counter).values())}
    return set() if asked(HAS_FORTRAN, counter) else names & IN_FORTRAN


@RELEASES
def test_nothing_is_wrong_with_any_library_and_nothing_was_left_out(counter: str) -> None:
    told = {each.library for each in checked(counter) if each.errors or each.unchecked}
    assert told == without_a_runtime(counter)


@RELEASES
def test_where_the_runtime_of_fortran_is_not_there_that_is_the_reason(counter: str) -> None:
    reasons = [each.errors[0] for each in checked(counter) if each.errors]
    assert reasons == [["missing-library", FORTRAN]] * len(without_a_runtime(counter))


@RELEASES
def test_the_loader_misses_nothing(counter: str) -> None:
    usable = [each for each in checked(counter) if each.library not in without_a_runtime(counter)]
    with ThreadPoolExecutor(2) as children:
        told = list(children.map(lambda each: trace(each.paths).told, usable))
    assert told == [Told(frozenset(), frozenset())] * len(usable) != []


@RELEASES
def test_every_library_loads_after_all_others(counter: str) -> None:
    refused = dict(asked(LOAD.format(libraries=held(wrappers(counter).values())), counter))
    assert refused == {name: [FORTRAN] for name in without_a_runtime(counter)}
