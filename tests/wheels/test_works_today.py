"""Arrangements that findlibs 0.1.3 opens are opened by findlibs2 too, in either scope, and from the same files.

What they have in common: something outside the wrappers, which no declaration mentions, supplies a part of the stack.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import need
from tests.wheels import closure
from tests.wheels.environments import PYTHON, Environment, original, separate
from tests.wheels.run import answer

VISIBILITIES = pytest.mark.parametrize("visibility", ["private", "global"])

# What a wrapper's library uses and does not name; and a program that has it, or was linked with a library that has it.
USER, USED = "int used(void); int user(void) { return used(); }", "int used(void) { return 42; }"
MAIN = "int Py_BytesMain(int, char **); int main(int c, char **v) { return Py_BytesMain(c, v); }"
SOURCES: Mapping[str, tuple[str, ...]] = {
    USER: ("-shared", "-fPIC", "-o", "libuser.so"),
    USED: ("-shared", "-fPIC", "-o", "libprovider.so"),
    f"{USED} {MAIN}": ("-rdynamic", "-o", "has-it", "{libpython}", "-Wl,-rpath,{libraries}"),
    MAIN: ("-o", "linked-with-it", "-Wl,--no-as-needed", "libprovider.so", "{libpython}", "-Wl,-rpath,{libraries}:{top}"),
}  # fmt: skip
# With counter 27 findlibs 0.1.3 cannot load mir unless there is a libgfortran: it opens what nothing needs.
LIBRARY = "'atlas', 'atlaslib_ecmwf'" if PYTHON == "3.10" else "'mir'"
MIR = f"{{module}}.load({LIBRARY})\ntold = True"
HOME = {"PYTHONHOME": f"{sys.base_prefix}:{sys.base_exec_prefix}"}


class Way(NamedTuple):
    """How the function comes into the process."""

    env: Mapping[str, str] = {}
    python: str | None = None
    before: str = ""


WAYS: Mapping[str, Way] = {
    "preloaded": Way(env={"LD_PRELOAD": "{made}/libprovider.so"}),
    "in the program": Way(env=HOME, python="{made}/has-it"),
    "linked with the program": Way(env=HOME, python="{made}/linked-with-it"),
    "global": Way(before="import ctypes\nctypes.CDLL('{made}/libprovider.so', mode=ctypes.RTLD_GLOBAL)\n"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs and libraries; below `site` the wrapper, `userlib`."""
    top = tmp_path_factory.mktemp("made")
    libpython = next(path for path in libpythons() if path.exists())
    for number, (text, options) in enumerate(SOURCES.items()):
        (top / f"{number}.c").write_text(text)
        filled = (option.format(libpython=libpython, libraries=libpython.parent, top=top) for option in options)
        subprocess.run(["gcc", f"{number}.c", *filled], check=True, cwd=top)
    wrapper(top / "site", "userlib", top / "libuser.so")
    return top


def libpythons() -> list[Path]:
    name, where = sysconfig.get_config_var("INSTSONAME"), sysconfig.get_config_var("LIBDIR")
    return [Path(where, name), Path(where, sysconfig.get_config_var("MULTIARCH") or "", name)]


def wrapper(site: Path, package: str, library: Path, *declared: str) -> Path:
    (site / package / "lib64").mkdir(parents=True)
    (site / package / "__init__.py").write_text(
        f"__version__ = '1.0.0.1'\nfindlibs_dependencies = {list(declared)!r}\n"
    )
    shutil.copy(library, site / package / "lib64")
    return site


class Came(NamedTuple):
    """What came of a load."""

    told: object
    files: frozenset[str]  # what is mapped


def loaded(module: str, code: str, paths: Sequence[Path], env: Mapping[str, str], python: str) -> Came:
    asked = f"import {module}\n{code.format(module=module)}\ntell([told, mapped()])"
    told, mapped = answer(asked, *paths, original(), env=env, python=python)
    return Came(told, frozenset(mapped))


def compared(
    visibility: str, code: str, *paths: Path, env: Mapping[str, str], python: str = sys.executable
) -> tuple[Came, object, list[str]]:
    """What came of ours; what 0.1.3 told; and the files that we took and it does not. It takes more than we do: all that
    lies in a wrapper, also what nothing needs."""
    ours = loaded("findlibs2", code, paths, {**env, "FINDLIBS2_VISIBILITY": visibility}, python)
    theirs = loaded("findlibs", code, paths, env, python)
    others = sorted(path for path in ours.files - theirs.files if not is_copy(path, theirs.files))
    return ours, theirs.told, others


def is_copy(path: str, files: Iterable[str]) -> bool:
    """Wheels hold some libraries several times under several names; which of them 0.1.3 opens is a matter of luck."""
    content = Path(path).read_bytes()
    beside = (Path(other) for other in files if os.path.dirname(other) == os.path.dirname(path))
    return any(other.read_bytes() == content for other in beside)


def named(name: str, files: Iterable[str]) -> list[str]:
    return [path for path in files if closure.read(Path(path)).name == name]


@need.tool("gcc")
@VISIBILITIES
@pytest.mark.parametrize("way", WAYS)
def test_a_function_that_no_library_names_is_supplied(made: Path, way: str, visibility: str) -> None:
    how = WAYS[way]
    env = {name: value.format(made=made) for name, value in how.env.items()}
    code = how.before.format(made=made) + "told = {module}.load('user').user()"
    python = (how.python or sys.executable).format(made=made)
    ours, told, others = compared(visibility, code, made / "site", env=env, python=python)
    assert (ours.told, told, others) == (42, 42, [])


@need.tool("gcc")
@VISIBILITIES
def test_without_it_the_loader_refuses(made: Path, visibility: str) -> None:
    """The control."""
    code = """
try: told = {module}.load("user").user()
except (ImportError, OSError) as error: told = "undefined symbol: used" in str(error)
"""
    ours, told, _ = compared(visibility, code, made / "site", env={})
    assert (ours.told, told) == (True, True)


def system(name: str) -> str:
    """Where the loader finds it here."""
    return named(name, answer(f"import ctypes\nctypes.CDLL({name!r})\ntell(mapped())"))[0]


@VISIBILITIES
@pytest.mark.parametrize("name", ["libz.so.1", "libgomp.so.1", "libstdc++.so.6"])
def test_a_system_library_that_is_preloaded_stays_the_only_one(
    newest: Environment, tmp_path: Path, visibility: str, name: str
) -> None:
    preloaded = shutil.copy(system(name), tmp_path / name)
    ours, _, others = compared(visibility, MIR, newest.site, env={"LD_PRELOAD": str(preloaded)})
    assert (named(name, ours.files), others) == ([str(preloaded)], [])


@VISIBILITIES
def test_an_own_library_of_the_stack_that_is_preloaded_stays_the_only_one(
    newest: Environment, tmp_path: Path, visibility: str
) -> None:
    """findlibs 0.1.3 opens the wheel's beside it, and ends the process: tests/wheels/test_side_by_side.py."""
    (tmp_path / "eckitlib.libs").symlink_to(newest.site / "eckitlib.libs")
    (tmp_path / "own" / "lib64").mkdir(parents=True)
    mine = shutil.copy(newest.site / "eckitlib" / "lib64" / "libeckit.so", tmp_path / "own" / "lib64")
    env = {"LD_PRELOAD": str(mine), "FINDLIBS2_VISIBILITY": visibility}
    mapped = answer("import findlibs2\nfindlibs2.load('mir')\ntell(mapped())", newest.site, env=env)
    assert [path for path in mapped if path.endswith("/libeckit.so")] == [str(mine)]


@VISIBILITIES
def test_the_eckit_of_the_site_lies_under_the_mir_of_a_wheel(newest: Environment, visibility: str) -> None:
    """No eckitlib is installed; a module of the site has set LD_LIBRARY_PATH."""
    apart = separate(newest.counter)
    wheels = [path for name, path in apart.items() if name != "eckitlib"]
    lib = apart["eckitlib"] / "eckitlib" / "lib64"
    env = {"LD_LIBRARY_PATH": os.pathsep.join([str(lib), os.environ.get("LD_LIBRARY_PATH", "/lib")])}
    quiet = "import warnings\nwarnings.simplefilter('ignore')\n"
    ours, _, others = compared(visibility, quiet + MIR, *wheels, env=env)
    assert (named("libeckit.so", ours.files), others) == ([str(lib / "libeckit.so")], [])


@need.tool("gcc")
@VISIBILITIES
@pytest.mark.parametrize("declared", [("eckitlib",), ()], ids=["declares eckit", "declares nothing"])
def test_a_package_that_brings_a_plugin_and_nothing_else(
    newest: Environment, tmp_path: Path, visibility: str, declared: tuple[str, ...]
) -> None:
    """A plugin needs the library into which it is plugged; where it does not say so, that was loaded before."""
    (tmp_path / "it.c").write_text("int plugged(void) { return 42; }")
    eckit = newest.site / "eckitlib" / "lib64" / "libeckit.so"
    asked = ["-shared", "-fPIC", "-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined", "-o", "libextra-plugin.so"]
    subprocess.run(["gcc", *asked, "it.c", eckit], check=True, cwd=tmp_path)
    wrapper(tmp_path / "site", "extralib", tmp_path / "libextra-plugin.so", *declared)
    first = "" if declared else "{module}.load('eckit')\n"
    code = first + "told = {module}.load('extra-plugin', 'extralib').plugged()"
    ours, told, others = compared(visibility, code, tmp_path / "site", newest.site, env={})
    assert (ours.told, told, named("libeckit.so", ours.files), others) == (42, 42, [str(eckit)], [])
