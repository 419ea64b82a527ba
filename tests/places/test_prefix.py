"""An environment as conda makes it: its own interpreter, and ecCodes as a plain library in `<prefix>/lib`.

The interpreter has DT_RPATH $ORIGIN/../lib, so the loader finds there what libeccodes.so needs. There is no wrapper.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.places import debian, prefixes
from tests.places.jobs import DECODED, ECCODES, INSTALL
from tests.wheels.environments import Environment

pytestmark = [*debian.NEEDED]

NOWHERE = """
import findlibs2
try: findlibs2.load("of-nobody")
except findlibs2.NotFoundError as error: tell(str(error))
"""


@pytest.fixture(scope="module")
def python(newest: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a conda-like prefix with ecCodes, its interface package and findlibs2."""
    prefix = tmp_path_factory.mktemp("conda")
    python = prefixes.interpreter(prefix, conda=True)
    debian.install(prefix, rpath=None)
    prefixes.furnish(prefixes.site(python), newest.interfaces)
    return python


@pytest.fixture
def library(python: Path) -> str:
    return str(python.parents[1] / "lib" / "libeccodes.so")


@pytest.fixture
def env(python: Path) -> Mapping[str, str]:
    return debian.tables(python.parents[1])


def test_eccodes_of_the_prefix_encodes_and_decodes_a_message(
    python: Path, library: str, env: Mapping[str, str]
) -> None:
    assert prefixes.said(python, INSTALL + ECCODES, env=env) == [DECODED, library]


def test_what_it_needs_comes_from_the_prefix_too(python: Path) -> None:
    lib = python.parents[1] / "lib"
    mapped = prefixes.said(python, "import findlibs2\nfindlibs2.load('eccodes')\ntell(mapped())")
    assert {Path(path).name for path in mapped if lib == Path(path).parent} >= set(debian.LIBRARIES)


@pytest.mark.parametrize("sees", [["--system-site-packages"], []], ids=["its packages too", "its libraries alone"])
def test_a_virtual_environment_on_top_of_it_finds_it_there(
    python: Path, library: str, env: Mapping[str, str], newest: Environment, tmp_path: Path, sees: list[str]
) -> None:
    above = prefixes.virtual(python, tmp_path / "venv", *sees)
    if not sees:
        prefixes.furnish(prefixes.site(above), newest.interfaces)
    assert prefixes.said(above, INSTALL + ECCODES, env=env) == [DECODED, library]


def test_an_active_environment_is_searched_by_another_python(without_wrappers: Path, tmp_path: Path) -> None:
    """Libraries that conda built have a DT_RPATH that leads to their neighbours, whichever program asks."""
    library = debian.install(tmp_path)
    env = {"CONDA_PREFIX": str(tmp_path), **debian.tables(tmp_path)}
    assert prefixes.said(without_wrappers, INSTALL + ECCODES, env=env) == [DECODED, str(library)]


def test_an_active_environment_without_the_library_is_told(without_wrappers: Path, tmp_path: Path) -> None:
    """`find("eccodes")` may find the system's; a name that no system has is asked for."""
    rows = prefixes.said(without_wrappers, NOWHERE, env={"CONDA_PREFIX": str(tmp_path)}).split("\n")
    assert [row.split(None, 2)[1:] for row in rows if " python " in row] == [
        [str(without_wrappers.parents[1]), "holds no libof-nobody.so"],
        [f"CONDA_PREFIX={tmp_path}", "holds no libof-nobody.so"],
    ]
