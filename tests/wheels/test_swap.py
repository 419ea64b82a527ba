"""A library that is in the process already is used as it is: a developer's own build in place of the wheel's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.wheels import closure
from tests.wheels.environments import Environment
from tests.wheels.run import answer, run

SWAPPED = """
import ctypes, {module}
ctypes.CDLL({mine!r}, mode=ctypes.RTLD_GLOBAL)
{module}.load("mir")
tell(mapped())
"""


@pytest.fixture
def mine(newest: Environment, tmp_path: Path) -> Path:
    """libeckit.so of one's own: the same content in another file, with what it needs where its DT_RPATH looks."""
    lib = tmp_path / "mine" / "lib64"
    lib.mkdir(parents=True)
    (tmp_path / "eckitlib.libs").symlink_to(newest.site / "eckitlib.libs")
    return Path(shutil.copy(newest.site / "eckitlib" / "lib64" / "libeckit.so", lib))


def test_the_developers_library_stays_the_only_one_of_its_name(newest: Environment, mine: Path) -> None:
    mapped = answer(SWAPPED.format(module="findlibs2", mine=str(mine)), newest.site)
    assert [path for path in mapped if Path(path).name == "libeckit.so"] == [str(mine)]


def test_the_rest_of_the_stack_is_complete(newest: Environment, mine: Path) -> None:
    mapped = answer(SWAPPED.format(module="findlibs2", mine=str(mine)), newest.site)
    of_stack = [path for path in mapped if newest.site in Path(path).parents or path == str(mine)]
    assert sorted(closure.names(of_stack)) == closure.closure(newest.site, "libmir.so")


def test_the_plan_says_that_it_is_another_file(newest: Environment, mine: Path) -> None:
    code = f"""
import ctypes, findlibs2
ctypes.CDLL({str(mine)!r}, mode=ctypes.RTLD_GLOBAL)
plan = findlibs2.plan("mir")
tell([[f.code, f.name, f.loaded, f.expected] for f in plan.findings if f.code == "loaded-elsewhere"])
"""
    wheel = newest.site / "eckitlib" / "lib64" / "libeckit.so"
    assert answer(code, newest.site) == [["loaded-elsewhere", "libeckit.so", str(mine), str(wheel)]]


def test_a_library_that_was_loaded_privately_is_used_too(newest: Environment, mine: Path) -> None:
    code = SWAPPED.format(module="findlibs2", mine=str(mine)).replace(", mode=ctypes.RTLD_GLOBAL", "")
    mapped = answer(code, newest.site)
    assert [path for path in mapped if Path(path).name == "libeckit.so"] == [str(mine)]


def test_a_library_that_the_wheels_own_interface_loaded_is_used_too(newest: Environment) -> None:
    """An `import` that opened the stack by other means comes first; nothing is opened a second time."""
    code = """
import ctypes, os, findlibs2
for step in findlibs2.plan("eccodes").steps:
    ctypes.CDLL(step.path, mode=ctypes.RTLD_GLOBAL)
before = mapped()
findlibs2.load("eccodes")
tell([path for path in mapped() if path not in before and "/lib-dynload/" not in path])
"""
    assert answer(code, newest.site) == []


def test_without_this_the_interpreter_does_not_live(newest: Environment, mine: Path) -> None:
    """Why all this: the wheel's copy, opened by its path, is a second libeckit beside the developer's."""
    wheel = newest.site / "eckitlib" / "lib64" / "libeckit.so"
    code = f"import ctypes\nfor path in {[str(mine), str(wheel)]}: ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)"
    assert run(code).returncode < 0
