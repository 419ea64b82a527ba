"""A plan, carried out in the private scope: what `handles.open_all` does for the global one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import need
from tests.build.elf import library
from tests.wheels.made import wrapper
from tests.wheels.run import answer

pytestmark = need.glibc()

START = """
import warnings, findlibs2
from findlibs2 import errors, handles, scopes
drawn = findlibs2.plan("mir")
def names(paths): return sorted(path.rpartition("/")[2] for path in paths)
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """mirlib on eckitlib, and atlaslib on it too."""
    wrapper(tmp_path, "eckit", [], [])
    wrapper(tmp_path, "atlas", ["eckit"], ["eckit"])
    wrapper(tmp_path, "mir", ["eckit"], ["eckit"])
    return tmp_path


def test_what_was_opened_is_held_and_in_the_scope_and_mapped_once(site: Path) -> None:
    code = f"""{START}
first = scopes.open_steps("mir", drawn, checked=True)
second = scopes.open_steps("atlas", findlibs2.plan("atlas"), checked=True)
tell([first, second, names(handles.held), [path.rpartition("/")[2] for path in scopes.members],
      names(path for path in mapped() if path.startswith({str(site)!r}))])
"""
    three = ["libatlas.so", "libeckit.so", "libmir.so"]
    in_order = ["libmir.so", "libeckit.so", "libatlas.so"]
    assert answer(code, site) == [True, True, three, in_order, three]


def test_a_refusal_is_told_in_the_loaders_words_and_nothing_is_held(site: Path) -> None:
    (site / "eckitlib" / "lib64" / "libeckit.so").write_bytes(library("libeckit.so", ["libgone.so.7"]))
    code = f"""{START}
try:
    scopes.open_steps("mir", drawn, checked=True)
except errors.OpenFailedError as error:
    tell([error.library, error.path == drawn.targets[0], error.loader_said.split(":")[0], error.opened, names(handles.held)])
"""
    assert answer(code, site) == ["mir", True, "libgone.so.7", [], []]


def test_that_there_can_be_none_is_told_once(site: Path) -> None:
    code = f"""{START}
scopes.open_object = lambda *_, **__: None
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    done = [scopes.open_steps("mir", drawn, checked=True) for _ in range(2)]
tell([done, [each.category.__name__ for each in told], names(handles.held)])
"""
    assert answer(code, site) == [[False, False], ["RuntimeWarning"], []]


def test_what_was_replaced_meanwhile_is_named(site: Path) -> None:
    (site / "other.so").write_bytes(library("libmir.so", tail=b"another"))
    code = f"""{START}
import os
os.rename({str(site / "other.so")!r}, drawn.targets[0])
try:
    scopes.open_steps("mir", drawn, checked=True)
except errors.RefusedError as error:
    tell([finding.code for finding in error.findings])
"""
    assert answer(code, site) == ["replaced"]
