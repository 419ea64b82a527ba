"""Mixtures of releases: broken exactly where they are broken for the loader, for the same reasons, and nowhere else.

The loader is asked twice: it traces the plan and names all that it misses, without running anything
(`tests.oracle.tracing`); and it opens the plan, one file after the other, in a process that knows nothing of findlibs2.
"""

from __future__ import annotations

import functools
import os
import re
from collections import Counter
from typing import Any, NamedTuple

import pytest

from tests import house
from tests.oracle.tracing import trace
from tests.wheels.releases import ROWS, Mixture, Row
from tests.wheels.run import answer

FOUND = {mixture: row for row in ROWS for mixture in row.mixtures()}
MIXED = pytest.mark.parametrize("mixture", FOUND, ids=str)
PAGE = house.ROOT / "docs" / "explanation" / "mixed-releases.md"
TABLE = re.compile(r"^\| (\S+) \| (\d+) \| (.+) \| ([\d, ]+) \| (.+) \|$", re.MULTILINE)
BROKEN = [mixture for mixture, row in FOUND.items() if row.missing or row.absent]

CHECK = """
import findlibs2
told = findlibs2.check({name!r})
def of(code, *fields):
    return [[getattr(finding, field) for field in fields] for finding in told.findings if finding.code == code]
errors = sorted({{finding.code for finding in told.findings if finding.severity == "error"}})
symbols = [[symbol, path] for path, names in of("missing-symbol", "path", "symbols") for symbol in names]
steps = [step.path for step in told.plan.steps]
versions, absent = of("missing-version", "path", "version", "supplier"), of("missing-library", "name")
tell([errors, symbols, versions, absent, steps, of("counters-differ", "packages"), list(told.unchecked)])
"""
LOAD = """
import findlibs2
try:
    findlibs2.load({name!r})
    tell(["loaded", mapped()])
except findlibs2.RefusedError as error:
    missing = [finding for finding in error.findings if finding.code == "missing-symbol"]
    tell([[[symbol, finding.path] for finding in missing for symbol in finding.symbols], mapped()])
"""
OPEN = """
import ctypes
try:
    for path in {paths!r}:
        ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)  # ctypes adds RTLD_NOW
    tell("opened")
except OSError as error:
    tell(str(error))
"""


class Checked(NamedTuple):
    """What `check` says of a mixture."""

    errors: list[str]  # codes
    symbols: list[tuple[str, str]]  # with version, and the file that refers to it
    versions: list[list[str]]  # the file that wants it, the version, the file that lacks it
    absent: list[list[str]]
    steps: list[str]
    packages: list[Any]
    unchecked: list[str]


@functools.cache
def checked(mixture: Mixture) -> Checked:
    return Checked(*answer(CHECK.format(name=mixture.library), *mixture.sites))


@functools.cache
def loaded(mixture: Mixture) -> tuple[Any, list[str]]:
    """ "loaded", or the symbols for want of which it is refused; and what is then mapped of the wheels."""
    outcome, mapped = answer(LOAD.format(name=mixture.library), *mixture.sites)
    return outcome, [path for path in mapped if path.startswith(tuple(map(str, mixture.sites)))]


def real(pairs: Any) -> set[tuple[str, str]]:
    """Symbols, each with the file that refers to it, however that was spelled."""
    return {(symbol, os.path.realpath(path)) for symbol, path in pairs}


@MIXED
def test_what_is_missing_is_what_the_loader_misses(mixture: Mixture) -> None:
    ours, theirs = checked(mixture), trace(checked(mixture).steps).told
    symbols = real(("@".join(filter(None, (name, version))), path) for name, version, path in theirs.symbols)
    versions = {(of, version, by) for by, version, of in ours.versions}
    assert (real(ours.symbols), versions) == (symbols, set(theirs.versions))


@MIXED
def test_so_much_is_missing_of_each_library(mixture: Mixture) -> None:
    told = checked(mixture)
    counted = Counter(os.path.basename(path) for _, path in told.symbols)
    found = (counted, [name for (name,) in told.absent], told.unchecked)
    assert found == (FOUND[mixture].missing, list(FOUND[mixture].absent), [])


def test_the_documentation_tells_of_each_what_was_found() -> None:
    written = []
    for library, release, others, counters, said in TABLE.findall(PAGE.read_text()):
        rows = [FOUND[Mixture(library, release, tuple(others.split()), each)] for each in counters.split(", ")]
        written += [(in_words(row), said) for row in rows]
    assert ([ours for ours, _ in written], len(written)) == ([said for _, said in written], 20)


def in_words(row: Row) -> str:
    """What the table of the documentation says of a mixture: what is worst."""
    if row.absent:
        return f"{', '.join(row.absent)} is missing"
    count = sum(row.missing.values())
    return f"{count} {'symbol is' if count == 1 else 'symbols are'} missing" if count else "loads"


@MIXED
def test_it_loads_exactly_where_the_loader_opens_it(mixture: Mixture) -> None:
    opened = answer(OPEN.format(paths=checked(mixture).steps))
    fine = mixture not in BROKEN
    assert (opened == "opened", checked(mixture).errors == [], loaded(mixture)[0] == "loaded") == (fine, fine, fine)


@pytest.mark.parametrize("mixture", [each for each in BROKEN if not FOUND[each].absent], ids=str)
def test_it_is_refused_for_want_of_the_same_symbols(mixture: Mixture) -> None:
    assert real(loaded(mixture)[0]) == real(checked(mixture).symbols)


@pytest.mark.parametrize("mixture", BROKEN, ids=str)
def test_of_what_is_refused_nothing_is_mapped(mixture: Mixture) -> None:
    assert loaded(mixture)[1] == []


@MIXED
def test_that_releases_are_mixed_is_said(mixture: Mixture) -> None:
    ((said,),) = checked(mixture).packages
    assert {version.rpartition(".")[2] for _, version in said} == {mixture.release, mixture.counter}
