"""Where an environment brings its own system libraries, they win exactly where they win for findlibs 0.1.3.

Three ways in which it does: the interpreter's DT_RPATH (conda and its like), LD_LIBRARY_PATH (modules, vendors), and a
glibc-hwcaps directory below LD_LIBRARY_PATH. The oracle is the loader itself, as it serves findlibs 0.1.3.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import need
from tests.wheels import closure
from tests.wheels.environments import PYTHON, Environment, original
from tests.wheels.run import answer, variables

BROUGHT = ("libz.so.1", "libstdc++.so.6", "libgomp.so.1", "libgcc_s.so.1")
# findlibs 0.1.3 cannot load mir at counter 27 unless there is a libgfortran: it opens what nothing needs.
LIBRARY = "'atlas', 'atlaslib_ecmwf'" if PYTHON == "3.10" else "'mir'"
ONE_BY_ONE = f"""
import ctypes, zlib, findlibs2
name, *package = {LIBRARY},
for step in findlibs2.plan(name).steps:
    if step.package is not None:
        ctypes.CDLL(step.path, mode=ctypes.RTLD_GLOBAL)
tell(mapped())
"""
LOAD = f"import {{module}}\n{{module}}.load({LIBRARY})\ntell(mapped())"
# Which of them win, by the way in which they are brought: all. The loader leaves the DT_RPATH of the executable out on
# behalf of files with a DT_RUNPATH (glibc elf/dl-load.c, _dl_map_new_object), and some that ask for libz have one. But in a
# real environment Python's own zlib module, which has a DT_RPATH there as all that conda builds, is first; findlibs 0.1.3
# imports it before anything else. `modules` makes it so here too.
VISIBILITIES = pytest.mark.parametrize("visibility", ["private", "global"])
WAYS = {"prefix": set(BROUGHT), "library-path": set(BROUGHT), "hwcaps": set(BROUGHT)}


class Place(NamedTuple):
    """An environment with libraries of its own."""

    way: str
    libraries: Path
    python: str
    env: Mapping[str, str]
    modules: tuple[Path, ...] = ()  # goes before the standard library's own


@pytest.fixture(scope="module")
def system(newest: Environment) -> dict[str, Path]:
    """Where the loader finds the system libraries when nothing is brought."""
    mapped = answer(LOAD.format(module="findlibs"), newest.site, original())
    return {str(closure.read(Path(path)).name): Path(path) for path in mapped if newest.site not in Path(path).parents}


@pytest.fixture(params=[pytest.param(way, marks=need.tool("patchelf") if way == "prefix" else ()) for way in WAYS])
def place(request: pytest.FixtureRequest, system: dict[str, Path], tmp_path: Path) -> Place:
    lib = tmp_path / "lib"
    below = lib / "glibc-hwcaps" / "x86-64-v2" if request.param == "hwcaps" else lib
    below.mkdir(parents=True)
    for name in BROUGHT:
        shutil.copyfile(system[name], below / name)
    if request.param == "prefix":
        home = {"PYTHONHOME": f"{sys.base_prefix}:{sys.base_exec_prefix}"}
        return Place(request.param, below, str(prefix(tmp_path)), home, modules(tmp_path))
    return Place(request.param, below, sys.executable, {"LD_LIBRARY_PATH": ":".join([str(lib), *inherited()])})


def prefix(root: Path) -> Path:
    """A copy of this interpreter that finds libraries as conda's does: DT_RPATH, its own directory first."""
    (root / "bin").mkdir()
    python = Path(shutil.copy(Path(sys.executable).resolve(), root / "bin" / f"python{PYTHON}"))
    patchelf = str(need.which("patchelf"))
    asked = subprocess.run([patchelf, "--print-rpath", python], capture_output=True, text=True, check=True)
    before = [entry for entry in asked.stdout.strip().split(":") if entry]
    path = ":".join(["$ORIGIN/../lib", *before, f"{sys.base_prefix}/lib"])
    subprocess.run([patchelf, "--force-rpath", "--set-rpath", path, python], check=True)
    return python


def modules(root: Path) -> tuple[Path, ...]:
    """Python's zlib module as conda has it: its DT_RPATH leads to the libraries of the prefix."""
    found = importlib.util.find_spec("zlib")
    if found is None or found.origin is None or not found.origin.endswith(".so"):
        return ()  # it is part of the interpreter, which has the DT_RPATH
    (root / "modules").mkdir()
    module = shutil.copy(found.origin, root / "modules")
    patchelf = str(need.which("patchelf"))
    subprocess.run([patchelf, "--force-rpath", "--set-rpath", "$ORIGIN/../lib", module], check=True)
    return (root / "modules",)


def inherited() -> list[str]:
    return [path for path in [variables().get("LD_LIBRARY_PATH")] if path]


def files(module: str, environment: Environment, place: Place, visibility: str = "global") -> dict[str, str]:
    env = {**place.env, "FINDLIBS2_VISIBILITY": visibility}
    return by_name(environment, LOAD.format(module=module), place._replace(env=env))


def by_name(environment: Environment, code: str, place: Place) -> dict[str, str]:
    """DT_SONAME -> file, of what is mapped and is not from the wheels."""
    mapped = answer(code, environment.site, original(), *place.modules, env=place.env, python=place.python)
    others = [Path(path) for path in mapped if environment.site not in Path(path).parents]
    return {name: str(path) for path in others if (name := closure.read(path).name) is not None}


@VISIBILITIES
def test_the_same_files_are_mapped_as_with_findlibs(newest: Environment, place: Place, visibility: str) -> None:
    ours, theirs = files("findlibs2", newest, place, visibility), files("findlibs", newest, place)
    assert ours == {name: path for name, path in theirs.items() if name in ours}


@VISIBILITIES
def test_the_same_files_are_mapped_as_when_the_loader_finds_them_itself(
    newest: Environment, place: Place, visibility: str
) -> None:
    """The files of the wheels opened one by one, in the order of the plan; the rest is left to the loader."""
    ours, theirs = files("findlibs2", newest, place, visibility), by_name(newest, ONE_BY_ONE, place)
    assert ours == theirs


@VISIBILITIES
def test_what_the_environment_brings_is_used_where_the_loader_would_use_it(
    newest: Environment, place: Place, visibility: str
) -> None:
    ours = files("findlibs2", newest, place, visibility)
    assert {name for name in BROUGHT if ours[name] == str(place.libraries / name)} == WAYS[place.way]


def test_a_variable_that_was_set_after_the_start_changes_nothing(newest: Environment, place: Place) -> None:
    """ld.so(8), LD_LIBRARY_PATH: the loader reads it when the process starts."""
    late = f"import os\nos.environ['LD_LIBRARY_PATH'] = {str(place.libraries)!r}\n{LOAD.format(module='findlibs2')}"
    mapped = answer(late, newest.site)
    assert [path for path in mapped if place.libraries in Path(path).parents] == []
