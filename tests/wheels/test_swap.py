"""A library that is in the process already is used as it is: a developer's own build in place of the wheel's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests import need
from tests.wheels import closure
from tests.wheels.environments import Environment
from tests.wheels.run import answer, run
from tests.words.said import requirements

LOAD = "import findlibs2; findlibs2.load('mir'); tell(mapped())"
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


class TestSomebodysOwnBuild:
    """The ways to put one's own file in the place of the wheel's, without a line of code: docs/how-to/use-your-own-build.md.

    The build has another file name and other search paths than the wheel's, and the same SONAME.
    """

    @pytest.fixture
    def build(self, newest: Environment, tmp_path: Path) -> Path:
        """<prefix>/lib/libeckit.so, a link to libeckit-mine.so as `make install` leaves it, and its vendored libraries."""
        lib = tmp_path / "build" / "lib"
        lib.mkdir(parents=True)
        mine = Path(shutil.copy(newest.site / "eckitlib" / "lib64" / "libeckit.so", lib / "libeckit-mine.so"))
        patchelf = [str(need.which("patchelf")), "--force-rpath", "--set-rpath", "$ORIGIN/vendored", str(mine)]
        subprocess.run(patchelf, check=True)
        (lib / "vendored").symlink_to(newest.site / "eckitlib.libs")
        (lib / "libeckit.so").symlink_to("libeckit-mine.so")
        return lib

    @need.tool("patchelf")
    @pytest.mark.parametrize("way", ["override-file", "override-directory", "path", "variable"])
    def test_takes_the_place_of_a_needed_library(self, newest: Environment, build: Path, way: str) -> None:
        mapped = answer(LOAD, newest.site, requirements(), env=ways(build)[way])
        eckits = [path for path in mapped if closure.read(Path(path)).name == "libeckit.so"]
        assert eckits == [str(build / "libeckit-mine.so")]

    @need.tool("patchelf")
    def test_the_published_interface_works_with_it(self, newest: Environment, build: Path, tmp_path: Path) -> None:
        code = """
import findlibs2.compat; findlibs2.compat.install()
import mir, numpy
output = mir.ArrayOutput()
mir.Job(grid="30/30").execute(mir.ArrayInput(numpy.full(5248, 7.0), "O32"), output)
tell([list(output.shape), [path for path in mapped() if path.endswith("libeckit-mine.so")]])
"""
        env = {**ways(build)["override-directory"], "MIR_CACHE_PATH": str(tmp_path)}
        told = answer(code, newest.interfaces, newest.site, env=env)
        assert told == [[7, 12], [str(build / "libeckit-mine.so")]]

    def test_a_whole_installation_without_any_wheel(self, newest: Environment, tmp_path: Path) -> None:
        """The libraries of the stack side by side, as one `make install` leaves them; the wrappers are switched off."""
        lib = tmp_path / "install" / "lib"
        lib.mkdir(parents=True)
        for directory in (*newest.site.glob("*/lib64"), newest.site / "eckitlib.libs"):
            for path in directory.glob("*.so*"):
                shutil.copy(path, lib)
        env = {"FINDLIBS_DISABLE_PACKAGE": "yes", "MIR_HOME": str(lib.parent), "LD_LIBRARY_PATH": str(lib)}
        mapped = answer(LOAD, newest.site, env=env)
        assert [path for path in mapped if newest.site in Path(path).parents] == []
        ours = [path for path in mapped if lib in Path(path).parents]
        assert sorted(closure.names(ours)) == closure.closure(newest.site, "libmir.so")


def ways(build: Path) -> dict[str, dict[str, str]]:
    """The environment of each way; configurations lie beside the build."""
    for name, text in (("path", f'path = "{build}"'), ("variable", 'sources = ["home", "package"]')):
        (build / f"{name}.toml").write_text(f"[library.eckit]\n{text}\n")
    return {
        "override-file": {"FINDLIBS2_LIB_ECKIT": str(build / "libeckit-mine.so")},
        "override-directory": {"FINDLIBS2_LIB_ECKIT": str(build)},
        "path": {"FINDLIBS2_CONFIG": str(build / "path.toml")},
        "variable": {"FINDLIBS2_CONFIG": str(build / "variable.toml"), "ECKIT_DIR": str(build.parent)},
    }
