"""`check` on the published stack and on mixtures of releases, beside the loader itself.

The loader is asked in a child that it only traces: it maps and relocates everything in the order of the plan, and runs
no constructor (ld.so(8), LD_TRACE_LOADED_OBJECTS, LD_WARN, LD_BIND_NOW).
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.wheels.environments import PYTHON, Environment, environment, installed, offered, separate
from tests.wheels.run import answer, run, variables
from tests.words.said import requirements

NAMES = {
    "33": ("eckit_geo", "eccodes", "metkit", "fdb5", "atlas", "mir", "multio-api", "gribjump"),
    "32": ("eckit_geo", "eccodes", "fdb5", "mir", "odccore"),
    "27": ("eckit_geo", "eccodes", "fdb5", "mir", "multio-api", "gribjump", "odccore"),
}
PUBLISHED = [(counter, name) for counter in offered() for name in NAMES[counter]]
CHECK = """
import findlibs2
told = findlibs2.check({name!r})
missing = [f for f in told.findings if f.code == "missing-symbol"]
wrong = sorted({{f.code for f in told.findings if f.severity == "error"}})
symbols = sorted([s.partition("@")[0], f.path, f.expected_in] for f in missing for s in f.symbols)
tell([wrong, symbols, list(told.unchecked), [step.path for step in told.plan.steps]])
"""
UNDEFINED = re.compile(r"^undefined symbol: (\S+?),?(?: version \S+)?\s+\((.+)\)$", re.MULTILINE)

# A wrapper of counter 30 under those of 33, and what is then broken; of the second it was measured that nothing is.
MIXTURES = [
    (("eckitlib",), "mir"),
    (("eckitlib",), "eccodes"),
    (("eckitlib",), "gribjump"),
    (("metkitlib",), "fdb5"),
    (("metkitlib", "eckitlib", "eccodeslib"), "fdb5"),
    (("eccodeslib",), "mir"),
]
MIXED = pytest.mark.parametrize(("older", "name"), [] if PYTHON == "3.10" else MIXTURES, ids=str)


def checked(name: str, *sites: Path) -> Any:
    return answer(CHECK.format(name=name), *sites)


def of_loader(paths: Iterable[str]) -> set[tuple[str, str]]:
    """Symbol and file, of what the loader finds undefined when these are opened in this order."""
    traced = {"LD_TRACE_LOADED_OBJECTS": "1", "LD_WARN": "yes", "LD_BIND_NOW": "yes", "LD_PRELOAD": ":".join(paths)}
    done = subprocess.run(["/bin/true"], env=variables(traced), capture_output=True, text=True)
    return set(UNDEFINED.findall(done.stdout + done.stderr))


@pytest.mark.parametrize(("counter", "name"), PUBLISHED)
def test_nothing_is_wrong_with_what_was_released_together(counter: str, name: str) -> None:
    wrong, symbols, unchecked, paths = checked(name, environment(counter).site)
    assert (wrong, symbols, unchecked, of_loader(paths)) == ([], [], [], set())


@pytest.mark.parametrize("name", [] if PYTHON == "3.10" else ["mir", "fdb5"])
def test_two_releases_of_one_source_fit_each_other(name: str) -> None:
    wrong, symbols, *_ = checked(name, separate("32")["eckitlib"], environment("33").site)
    assert (wrong, symbols) == ([], [])


@MIXED
def test_of_a_mixture_the_same_symbols_are_missing_as_for_the_loader(
    newest: Environment, tmp_path: Path, older: tuple[str, ...], name: str
) -> None:
    _, symbols, _, paths = checked(name, put(tmp_path, older), newest.site)
    ours = {(symbol, os.path.realpath(path)) for symbol, path, _ in symbols}
    theirs = {(symbol, os.path.realpath(path)) for symbol, path in of_loader(paths)}
    assert ours == theirs


@MIXED
def test_a_mixture_is_broken_exactly_where_it_does_not_load(
    newest: Environment, tmp_path: Path, older: tuple[str, ...], name: str
) -> None:
    sites = (put(tmp_path, older), newest.site)
    wrong, *_ = checked(name, *sites)
    loaded = run(f"import findlibs2; findlibs2.load({name!r})", *sites)
    assert (wrong == []) == (loaded.returncode == 0)


@pytest.mark.parametrize("older", [] if PYTHON == "3.10" else [("eckitlib",)])
def test_a_load_that_the_loader_refuses_says_whose_symbols_they_are(
    newest: Environment, tmp_path: Path, older: tuple[str, ...]
) -> None:
    code = """
import findlibs2
try:
    findlibs2.load("mir")
except findlibs2.OpenFailedError as error:
    tell([[f.code, f.path, f.expected_package] for f in error.findings] + [str(error).split("\\n")])
"""
    *findings, lines = answer(code, put(tmp_path, older), newest.site, requirements())
    libeccodes, libmir = (f"{newest.site}/{each}lib/lib64/lib{each}.so" for each in ("eccodes", "mir"))
    assert findings == [["missing-symbol", libeccodes, "eckitlib"], ["missing-symbol", libmir, "eckitlib"]]
    wanted = "  fix: pip install eckitlib==2.5.0.33     # what eccodeslib's own metadata asks for"
    assert (lines[0].endswith("the loader refused libeccodes.so [open-failed]"), wanted in lines) == (True, True)


def put(place: Path, wrappers: Iterable[str]) -> Path:
    """A directory with these wrappers of counter 30, and nothing else."""
    for name in wrappers:
        for directory in installed("older-30").glob(f"{name}*"):
            (place / directory.name).symlink_to(directory)
    return place
