"""Stacks that other compilers made: singletons in headers, and OpenMP, in libraries of a scope."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests import need
from tests.wheels.environments import Environment
from tests.wheels.run import answer

VISIBILITIES = pytest.mark.parametrize("visibility", ["private", "global"])

# C++17, [dcl.inline] 6: an inline function or variable with external linkage "shall have the same address in all translation
# units", and "a static local variable in an inline function ... always refers to the same object".
HEADER = """
inline int variable = 0;
inline int& local() { static int one = 0; return one; }
struct Registry { static Registry& instance() { static Registry one; return one; } int entries = 0; };
template <class T> struct Counted { static int count; };
template <class T> int Counted<T>::count = 0;
extern "C" int NAME() {
    return variable++ * 1000 + local()++ * 100 + Registry::instance().entries++ * 10 + Counted<int>::count++;
}
"""
COMPILERS = [
    pytest.param(("g++",), marks=need.tool("g++"), id="gcc"),
    pytest.param(("g++", "-fno-gnu-unique"), marks=need.tool("g++"), id="gcc without unique symbols"),
    pytest.param(("clang++",), marks=need.tool("clang++"), id="clang"),
]
TWICE = """
import findlibs2
loaded = [findlibs2.load(name, visibility={visibility!r}) for name in ("one", "two")]
tell([getattr(library, name)() for library, name in zip(loaded * 2, ["one", "two"] * 2)])
"""
APART = """
import ctypes
tell([ctypes.CDLL({path!r} + f"/{{name}}lib/lib64/lib{{name}}.so")[name]() for name in ["one", "two"] * 2])
"""


def wrapped(site: Path, name: str, library: Path) -> Path:
    """A wrapper package that declares nothing."""
    (site / f"{name}lib" / "lib64").mkdir(parents=True)
    (site / f"{name}lib" / "__init__.py").write_text("__version__ = '1.0.0.1'\nfindlibs_dependencies = []\n")
    shutil.move(library, site / f"{name}lib" / "lib64")
    return site


def compiled(place: Path, *command: str, source: str, name: str) -> Path:
    (place / f"{name}.cc").write_text(source)
    target = ("-shared", "-fPIC", f"-Wl,-soname,lib{name}.so", "-o", f"lib{name}.so", f"{name}.cc")
    subprocess.run([*command, *target], check=True, cwd=place)
    return place / f"lib{name}.so"


def two(place: Path, compiler: tuple[str, ...]) -> Path:
    """Two packages whose libraries share nothing but a header."""
    for name in ("one", "two"):
        source = HEADER.replace("NAME", name)
        wrapped(place, name, compiled(place, *compiler, "-std=c++17", source=source, name=name))
    return place


@VISIBILITIES
@pytest.mark.parametrize("compiler", COMPILERS)
def test_what_a_header_defines_is_there_once_over_two_loads(
    tmp_path: Path, compiler: tuple[str, ...], visibility: str
) -> None:
    assert answer(TWICE.format(visibility=visibility), two(tmp_path, compiler)) == [0, 1111, 2222, 3333]


@need.tool("clang++")
def test_two_scopes_would_split_what_clang_made(tmp_path: Path) -> None:
    """The control: no symbol is STB_GNU_UNIQUE."""
    assert answer(APART.format(path=str(two(tmp_path, ("clang++",))))) == [0, 0, 1111, 1111]


TEAM = """
#include <atomic>
#include <omp.h>
std::atomic<int> running{0};
std::atomic<bool> over{false};
extern "C" int threads() { return running; }
extern "C" void finish() { over = true; }
extern "C" int team(int many) {
    int seen = 0;
    #pragma omp parallel num_threads(many) reduction(+ : seen)
    for (seen = 1, ++running; !over;) {}
    return seen;
}
"""
BUSY = """
import threading, time, findlibs2
busy = findlibs2.load("busy", visibility={visibility!r})
counted = []
thread = threading.Thread(target=lambda: counted.append(busy.team(4)), daemon=True)
thread.start()
while busy.threads() < 4: time.sleep(0.01)
findlibs2.load("mir", visibility={visibility!r})
busy.finish()
thread.join()
tell([counted, busy.team(3), len([path for path in mapped() if "/libgomp" in path])])
"""


@need.tool("g++")
@VISIBILITIES
def test_the_threads_of_openmp_run_on_while_more_is_loaded(
    newest: Environment, tmp_path: Path, visibility: str
) -> None:
    wrapped(tmp_path, "busy", compiled(tmp_path, "g++", "-fopenmp", source=TEAM, name="busy"))
    assert answer(BUSY.format(visibility=visibility), tmp_path, newest.site) == [[4], 3, 1]
