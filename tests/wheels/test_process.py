"""Threads, forks, sub-interpreters, and loading twice."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import need
from tests.wheels import closure
from tests.wheels.environments import Environment
from tests.wheels.run import answer, command, variables
from tests.wheels.strace import trace

# Sixteen different libraries: sixteen closures that overlap.
NAMES = (
    "mir", "multio-api", "gribjump", "fdb5", "metkit", "eccodes", "atlas", "eckit", "eckit_geo", "eckit_maths",
    "eckit_sql", "eckit_web", "eckit_linalg", "atlas_io", "pluto", "aec",
)  # fmt: skip
THREADS = """
import threading, findlibs2
names, failed = {names!r}, []
barrier = threading.Barrier(len(names))
def one(name):
    barrier.wait()
    try:
        found[name] = findlibs2.load(name)
    except BaseException as error:
        failed.append(repr(error))
found = {{}}
threads = [threading.Thread(target=one, args=(name,)) for name in names]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert failed == [], failed
tell([sorted(found), mapped()])
"""
FORK = """
import os, findlibs2
findlibs2.load("fdb5")
child = os.fork()
if child == 0:
    try:
        findlibs2.load("fdb5")
        findlibs2.load("mir")
        os._exit(0)
    except BaseException:
        os._exit(1)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
findlibs2.load("mir")
tell([code, mapped()])
"""
INTERPRETERS = """
import sys
if sys.version_info >= (3, 13):
    import _interpreters as interpreters
else:
    import _xxsubinterpreters as interpreters
inner = interpreters.create()
said = interpreters.run_string(inner, {code!r})
assert said is None, said
"""
INNER = """
import sys
sys.path[:1] = {paths!r}
import findlibs2
from inside import mapped, tell
try:
    tell([findlibs2.load("mir") is not None, mapped()])
except findlibs2.InterpreterError as error:
    tell([error.name, error.reason])
"""


def of_wheels(environment: Environment, mapped: list[str]) -> list[str]:
    return sorted(closure.names([path for path in mapped if environment.site in Path(path).parents]))


def test_sixteen_threads_load_sixteen_libraries_at_once(newest: Environment) -> None:
    found, mapped = answer(THREADS.format(names=NAMES), newest.site)
    union = {name for each in NAMES for name in closure.closure(newest.site, f"lib{each}.so")}
    assert (found, of_wheels(newest, mapped)) == (sorted(NAMES), sorted(union))


def test_sixteen_threads_load_one_library_at_once(newest: Environment) -> None:
    code = THREADS.replace("found[name] = findlibs2.load(name)", "found[name] = findlibs2.load('mir')")
    _, mapped = answer(code.format(names=NAMES), newest.site)
    assert of_wheels(newest, mapped) == closure.closure(newest.site, "libmir.so")


def test_a_second_load_gives_the_same_object(newest: Environment) -> None:
    code = "import findlibs2\ntell(findlibs2.load('mir') is findlibs2.load('mir'))"
    assert answer(code, newest.site) is True


@need.tool("strace")
def test_a_second_load_asks_nothing_of_the_system(newest: Environment) -> None:
    again = "mark('begin')\nfindlibs2.load('mir')\nmark('end')"
    code = f"from inside import mark\nimport findlibs2\nfindlibs2.load('mir')\n{again}"
    assert trace(command(code, [newest.site]), variables()).between("begin", "end").calls == ()


def test_parent_and_child_of_a_fork_both_load_more(newest: Environment) -> None:
    code, mapped = answer(FORK, newest.site)
    assert code == 0
    assert of_wheels(newest, mapped) == sorted(
        {name for each in ("fdb5", "mir") for name in closure.closure(newest.site, f"lib{each}.so")}
    )


def test_a_sub_interpreter_loads_or_says_why_it_cannot(newest: Environment) -> None:
    """CPython 3.12 made `_ctypes` refuse an interpreter with a GIL of its own; 3.13 lifted that (gh-117398)."""
    paths = command("", [newest.site])[-1].split("= ", 1)[1].strip()
    inner = INNER.format(paths="\0").replace("'\\x00'", paths)
    told = answer(INTERPRETERS.format(code=inner), newest.site)
    if sys.version_info[:2] == (3, 12):
        assert told == ["mir", "module _ctypes does not support loading in subinterpreters"]
    else:
        assert (told[0], of_wheels(newest, told[1])) == (True, closure.closure(newest.site, "libmir.so"))


@pytest.mark.parametrize("name", ["mir", "eccodes"])
def test_what_load_returns_finds_the_functions_of_the_library(newest: Environment, name: str) -> None:
    symbol = {"eccodes": "codes_get_api_version", "mir": "_ZN3mir3api6MIRJobC1Ev"}[name]
    said = f"[type(library) is ctypes.CDLL, hasattr(library, {symbol!r})]"
    code = f"import ctypes, findlibs2\nlibrary = findlibs2.load({name!r})\ntell({said})"
    assert answer(code, newest.site) == [True, True]
