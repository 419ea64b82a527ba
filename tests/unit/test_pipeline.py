"""What `load` and `prepare` remember, each in a fresh process. What they do with real stacks: tests/wheels."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import need
from tests.wheels.made import wrapper
from tests.wheels.run import answer

pytestmark = need.glibc()

PREVENTED = """
def draw(*_, **__):
    raise AssertionError("planned again")
pipeline.draw = draw
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """betalib on alphalib."""
    wrapper(tmp_path, "alpha", [], [])
    wrapper(tmp_path, "beta", ["alpha"], ["alpha"])
    return tmp_path


@pytest.mark.parametrize("first", ["findlibs2.load", "compat.prepare"])
def test_what_was_opened_as_a_part_of_a_plan_is_not_planned_again(site: Path, first: str) -> None:
    code = f"""
import ctypes, findlibs2
from findlibs2 import compat, pipeline
{first}("beta")
{PREVENTED}
alpha = findlibs2.load("alpha")
tell([alpha._name, alpha is findlibs2.load("alpha"), compat.prepare("alpha"), compat.prepare("beta")])
"""
    alpha, beta = (str(site / f"{each}lib" / "lib64" / f"lib{each}.so") for each in ("alpha", "beta"))
    assert answer(code, site) == [alpha, True, alpha, beta]


def test_an_override_that_was_set_since_is_another_file_and_is_planned(site: Path, tmp_path: Path) -> None:
    code = f"""
import os, findlibs2
from findlibs2 import pipeline
findlibs2.load("beta")
os.environ["FINDLIBS2_LIB_ALPHA"] = {str(site / "mine.so")!r}
tell(findlibs2.load("alpha")._name)
"""
    alpha = site / "alphalib" / "lib64" / "libalpha.so"
    (site / "mine.so").write_bytes(alpha.read_bytes())
    assert answer(code, site) == str(alpha)  # the one that is in the process


def test_what_was_not_opened_whole_is_planned_again(site: Path) -> None:
    """The loader refused a library midway: what was opened before stays, and nothing is said to be complete."""
    code = """
import findlibs2
from findlibs2 import handles, pipeline
try:
    findlibs2.load("beta", verify="off")
except findlibs2.OpenFailedError:
    tell(sorted(handles.held))
"""
    (site / "betalib" / "lib64" / "libbeta.so").write_bytes(b"\x7fELF")
    assert answer(code, site) == []
