"""`check` and `load` on mixtures of two releases, on every Python for which both are published, beside the loader."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.oracle.tracing import trace
from tests.wheels.environments import Environment, environment, installed, separate
from tests.wheels.run import answer, run
from tests.wheels.test_verdict import checked
from tests.words.said import requirements

# Wrappers of counter 30 in the place of those of 33, and a library that sits on them. In the fifth nothing is broken.
# Mixtures of all other releases, on one Python: test_mixtures_of_releases.
MIXTURES = [
    (("eckitlib",), "mir"),
    (("eckitlib",), "eccodes"),
    (("eckitlib",), "gribjump"),
    (("metkitlib",), "fdb5"),
    (("metkitlib", "eckitlib", "eccodeslib"), "fdb5"),
    (("eccodeslib",), "mir"),
]
MIXED = pytest.mark.parametrize(("older", "name"), MIXTURES, ids=str)


@pytest.mark.parametrize("name", ["mir", "fdb5"])
def test_two_releases_of_one_source_fit_each_other(name: str) -> None:
    wrong, symbols, *_ = checked(name, separate("32")["eckitlib"], environment("33").site)
    assert (wrong, symbols) == ([], [])


@MIXED
def test_of_a_mixture_the_same_symbols_are_missing_as_for_the_loader(
    newest: Environment, tmp_path: Path, older: tuple[str, ...], name: str
) -> None:
    _, symbols, _, paths = checked(name, put(tmp_path, older), newest.site)
    ours = {(symbol, os.path.realpath(path)) for symbol, path, _ in symbols}
    theirs = {(symbol, os.path.realpath(path)) for symbol, _, path in trace(paths).told.symbols}
    assert ours == theirs


@MIXED
def test_a_mixture_is_broken_exactly_where_it_does_not_load(
    newest: Environment, tmp_path: Path, older: tuple[str, ...], name: str
) -> None:
    sites = (put(tmp_path, older), newest.site)
    wrong, *_ = checked(name, *sites)
    loaded = run(f"import findlibs2; findlibs2.load({name!r})", *sites)
    assert (wrong == []) == (loaded.returncode == 0)


@pytest.mark.parametrize("older", [("eckitlib",)])
def test_a_load_that_the_loader_refuses_says_whose_symbols_they_are(
    newest: Environment, tmp_path: Path, older: tuple[str, ...]
) -> None:
    code = """
import findlibs2
try:
    findlibs2.load("mir")
except findlibs2.RefusedError as error:
    tell([[f.code, f.path, f.expected_package] for f in error.findings] + [str(error).split("\\n")])
"""
    *findings, lines = answer(code, put(tmp_path, older), newest.site, requirements())
    libeccodes, libmir = (f"{newest.site}/{each}lib/lib64/lib{each}.so" for each in ("eccodes", "mir"))
    assert findings == [["missing-symbol", libeccodes, "eckitlib"], ["missing-symbol", libmir, "eckitlib"]]
    wanted = "  fix: pip install eckitlib==2.5.0.33     # what mirlib's own metadata asks for"
    cause = "2 libraries need 4 symbols that eckitlib 2.3.0.30 does not have [missing-symbol]"
    assert (lines[0], wanted in lines) == (f"mir cannot be loaded: {cause}", True)


def put(place: Path, wrappers: Iterable[str]) -> Path:
    """A directory with these wrappers of counter 30, and nothing else."""
    for name in wrappers:
        for directory in installed("older-30").glob(f"{name}*"):
            (place / directory.name).symlink_to(directory)
    return place
