"""Every wrapper has a hook that brings all of it, and every interface package one that names its wrapper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.wheels import closure
from tests.wheels.environments import Environment
from tests.wheels.run import answer, project

RUN = """
import glob, runpy, os
said = {{}}
for path in glob.glob({hooks!r}):
    found = runpy.run_path(path)
    name = os.path.basename(path)[len("hook-"):-len(".py")]
    said[name] = [found.get(each, []) for each in ("datas", "binaries", "hiddenimports", "module_collection_mode")]
tell(said)
"""
# What no contributed hook and no import statement tells of: eckit imports eckitlib, gribapi has a hook.
NAMED = {
    "chunked_data_view_bindings": ["fdb5lib"],
    "codc": ["odclib"],
    "mir": ["mirlib"],
    "multio": ["multiolib"],
    "pyfdb": ["fdb5lib"],
    "pygribjump": ["gribjumplib"],
    "pymetkit": ["metkitlib"],
}


@pytest.fixture(scope="module")
def hooks(newest: Environment) -> dict[str, Any]:
    said: dict[str, Any] = answer(RUN.format(hooks=f"{project()}/findlibs2/_pyinstaller/hook-*.py"), newest.site)
    return said


def wrappers(environment: Environment) -> set[str]:
    return {path.parent.name for path in environment.site.glob("*lib*/__init__.py")}


def test_every_interface_package_names_its_wrapper(hooks: dict[str, Any]) -> None:
    assert {name: said[2] for name, said in hooks.items() if said[3] == []} == NAMED


def test_every_wrapper_has_a_hook_that_keeps_its_source(newest: Environment, hooks: dict[str, Any]) -> None:
    assert wrappers(newest) - {name for name, said in hooks.items() if said[3] == "pyz+py"} == set()


def test_every_library_goes_where_it_is_found_again(newest: Environment, hooks: dict[str, Any]) -> None:
    gone = {(Path(source), Path(target, Path(source).name)) for said in hooks.values() for source, target in said[1]}
    assert gone == {(path, path.relative_to(newest.site)) for path in closure.libraries(newest.site)}


def test_what_libraries_read_goes_along(newest: Environment, hooks: dict[str, Any]) -> None:
    gone = {(Path(source), Path(target)) for said in hooks.values() for source, target in said[0]}
    there = (newest.site / wrapper / data for wrapper in wrappers(newest) for data in ("share", "etc"))
    assert gone == {(path, path.relative_to(newest.site)) for path in there if path.is_dir()}


def test_the_hook_of_a_wrapper_that_is_not_installed_brings_nothing(tmp_path: Path) -> None:
    code = "from findlibs2._pyinstaller import collected\ntell(collected('mirlib'))"
    assert answer(code, tmp_path) == [[], [], []]
