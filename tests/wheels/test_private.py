"""The published stack in a private scope: all of it is there, it is seen by nobody, and nobody else is disturbed."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests import need
from tests.wheels import closure
from tests.wheels.environments import Environment, environment, offered
from tests.wheels.jobs import EVERY, do, known
from tests.wheels.private import ANSWER, EAGER, LAZY, SQLITE
from tests.wheels.run import answer, command, run, variables
from tests.wheels.strace import trace

ASKED = {
    "33": ("mir", "eccodes", "fdb5", "multio-api", "gribjump"),
    "32": ("odccore",),
    "27": ("mir", "eccodes", "fdb5", "multio-api", "gribjump", "odccore"),
}
EACH = pytest.mark.parametrize(
    ("counter", "name"), [(counter, name) for counter in offered() for name in ASKED[counter]]
)
HOW = pytest.mark.parametrize("how", [EAGER, LAZY], ids=["now", "lazy"])


def undisturbed() -> list[object]:
    """What SQLite says where nothing else is loaded."""
    found: list[object] = answer(f"{SQLITE}tell(sqlite())")
    return found


@EACH
@HOW
def test_the_whole_closure_is_open_and_sqlite_is_the_interpreters_own(counter: str, name: str, how: str) -> None:
    of = environment(counter)
    sqlite, exposed, mapped = answer(
        f"{how}{SQLITE}open_private({name!r})\ntell([sqlite(), scopes.exposed(), mapped()])", of.site
    )
    ours = [path for path in mapped if of.site in Path(path).parents]
    assert sqlite == undisturbed()
    assert (sorted(closure.names(ours)), exposed) == (closure.closure(of.site, f"lib{name}.so"), [])


@EACH
def test_sqlite_that_was_there_before_stays_as_it_was(counter: str, name: str) -> None:
    code = f"{LAZY}{SQLITE}sqlite()\nopen_private({name!r})\ntell(sqlite())"
    assert answer(code, environment(counter).site) == undisturbed()


def test_in_the_global_scope_sqlite_is_the_one_that_the_stack_brought(newest: Environment) -> None:
    """The control; counter 27 brought none. Calling `serialize` would end the process in SIGSEGV."""
    brings = any(newest.site.glob("*.libs/libsqlite3-*"))
    code = f"{EAGER}open_global('mir')\nimport sqlite3\ntell(sqlite3.sqlite_version)"
    assert (answer(code, newest.site) != undisturbed()[0]) is brings


def test_several_loads_are_one_scope_in_which_everything_keeps_its_place(newest: Environment) -> None:
    names = ASKED[newest.counter]
    code = f"""{LAZY}
grown = []
for name in {names!r}:
    open_private(name)
    grown.append(list(scopes.members))
tell([grown, mapped()])
"""
    grown, mapped = answer(code, newest.site)
    ours = [path for path in mapped if newest.site in Path(path).parents]
    assert all(later[: len(earlier)] == earlier for earlier, later in itertools.pairwise(grown))
    assert sorted(closure.names(ours)) == sorted(
        {each for name in names for each in closure.closure(newest.site, f"lib{name}.so")}
    )
    assert len(ours) == len({path for path in grown[-1] if newest.site in Path(path).parents})


@need.tool("strace")
def test_nothing_is_searched(newest: Environment) -> None:
    """Every file is opened by the path that was decided on; above all nothing that a build machine left is looked at."""
    code = f"""{LAZY}
from inside import mark
from findlibs2 import planning
drawn = findlibs2.plan("mir")
wanted = planning.link_order(drawn)
mark("begin")
scopes.open_plan(drawn)
mark("end")
"""
    calls = trace(command(code, [newest.site]), variables()).between("begin", "end")
    assert calls.under(closure.brought_from_elsewhere(newest.site)) == []
    opened = [path for path in calls.paths if newest.site in Path(path).parents]
    assert len(opened) == len(set(opened)) == len(closure.closure(newest.site, "libmir.so"))


@pytest.mark.parametrize(("counter", "name"), EVERY)
@HOW
def test_an_unchanged_interface_does_its_job_on_it(counter: str, name: str, how: str) -> None:
    of = environment(counter)
    done = do(of, [name], start=how + ANSWER + SQLITE, end="answers['sqlite'] = sqlite()")
    assert done.told == {**known(of, [name]), "sqlite": undisturbed()}


def test_all_interfaces_do_their_jobs_in_one_process(newest: Environment) -> None:
    names = [name for counter, name in EVERY if counter == newest.counter]
    done = do(newest, names, start=LAZY + ANSWER + SQLITE, end="answers['sqlite'] = sqlite()")
    assert done.told == {**known(newest, names), "sqlite": undisturbed()}


# SpecError of libeckit_spec, a std::exception to the code that Cython wrote into the extension.
THROWN = """
from inside import tell
from eckit.geo import Grid
try:
    Grid("no grid at all")
except Exception as error:
    tell([type(error).__name__, str(error)])
"""


@HOW
def test_an_exception_of_eckit_is_caught_in_the_extension_as_it_is_without_us(newest: Environment, how: str) -> None:
    found, without = (answer(start + THROWN, newest.interfaces, newest.site) for start in (how + ANSWER, ""))
    assert (found, found[0]) == (without, "RuntimeError")


def test_the_end_is_quiet(newest: Environment) -> None:
    loads = "".join(f"open_private({name!r})\n" for name in ASKED[newest.counter])
    done = run(LAZY + loads, newest.site)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
