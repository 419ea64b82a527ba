"""`visibility` as people say it: by argument, by variable, in the configuration; through `load` and through `compat`.

What the private scope is, and what it does on the real stack: tests/wheels/test_private.py.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.wheels.environments import Environment, environment
from tests.wheels.jobs import EVERY, INSTALL, do, known
from tests.wheels.private import own_sqlite
from tests.wheels.run import answer
from tests.words.said import requirements

# Whether a function of the stack is found through the global scope, and where sqlite3 finds its library.
SEEN = """
import ctypes, sqlite3
def visible():
    try:
        return bool(ctypes.CDLL(None).codes_get_api_version)
    except AttributeError:
        return False
tell([{loaded}, visible(), sqlite3.sqlite_version])
"""
LOAD = "import findlibs2\nlibrary = findlibs2.load('eccodes'{how})\n"
WORKS = "library.codes_get_api_version() > 20000"
PRIVATE = "import os; os.environ['FINDLIBS2_VISIBILITY'] = 'private'\n"


@pytest.mark.parametrize("verify", ["symbols", "headers", "off"])
def test_a_published_stack_is_private_where_nobody_says_anything(newest: Environment, verify: str) -> None:
    code = LOAD.format(how=f", verify={verify!r}") + SEEN.format(loaded=WORKS)
    assert answer(code, newest.site) == [True, False, own_sqlite()]


@pytest.mark.parametrize("names", list(itertools.permutations(("mir", "fdb5", "eckit"))), ids=" ".join)
def test_one_after_the_other_expose_nothing(newest: Environment, names: tuple[str, ...]) -> None:
    """What a later one needs is in the scope already, and its vendored libraries with it."""
    code = f"""
import findlibs2, sqlite3
from findlibs2 import scopes
for name in {names!r}:
    findlibs2.load(name)
tell([scopes.exposed(), sqlite3.sqlite_version])
"""
    assert answer(code, newest.site) == [[], own_sqlite()]


@pytest.mark.parametrize(("how", "visible"), [("auto", False), ("private", False), ("global", True)])
def test_the_argument(newest: Environment, how: str, visible: bool) -> None:
    code = LOAD.format(how=f", visibility={how!r}") + SEEN.format(loaded=WORKS)
    assert answer(code, newest.site)[:2] == [True, visible]


def test_the_variable(newest: Environment) -> None:
    code = LOAD.format(how="") + SEEN.format(loaded=WORKS)
    assert answer(code, newest.site, env={"FINDLIBS2_VISIBILITY": "global"})[:2] == [True, True]


def test_the_configuration(newest: Environment, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[library.eccodes]\nvisibility = "global"\n')
    code = LOAD.format(how="") + SEEN.format(loaded=WORKS)
    told = answer(code, newest.site, requirements(), env={"FINDLIBS2_CONFIG": str(tmp_path / "config.toml")})
    assert told[:2] == [True, True]


@pytest.mark.parametrize("first", ["find", "load"])
def test_compat_keeps_private_what_is_private(newest: Environment, first: str) -> None:
    code = f"{INSTALL}import findlibs\nfindlibs.{first}('eccodes')\nlibrary = findlibs.load('eccodes')\n"
    seen = SEEN.format(loaded=WORKS)
    assert answer(PRIVATE + code + seen, newest.site) == [True, False, own_sqlite()]


def test_a_library_of_the_scope_that_is_asked_for_later_stays_in_it(newest: Environment) -> None:
    code = LOAD.format(how=", visibility='private'") + "findlibs2.load('eckit'); findlibs2.load('eckit_geo')\n"
    assert answer(code + SEEN.format(loaded=WORKS), newest.site) == [True, False, own_sqlite()]


@pytest.mark.parametrize(("counter", "name"), EVERY)
@pytest.mark.parametrize("visibility", ["private", "global"])
def test_an_unmodified_interface_does_its_job(counter: str, name: str, visibility: str) -> None:
    of = environment(counter)
    start = PRIVATE.replace("private", visibility) + INSTALL
    assert do(of, [name], start=start).told == known(of, [name])
