"""`visibility` as people say it: by argument, by variable, in the configuration; through `load` and through `compat`.

What the private scope is, and what it does on the real stack: tests/wheels/test_private.py.
"""

from __future__ import annotations

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


def test_the_argument(newest: Environment) -> None:
    seen = SEEN.format(loaded=WORKS)
    private = answer(LOAD.format(how=", visibility='private'") + seen, newest.site)
    in_global = answer(LOAD.format(how="") + seen, newest.site)
    assert (private, in_global[:2]) == ([True, False, own_sqlite()], [True, True])


def test_the_variable(newest: Environment) -> None:
    code = LOAD.format(how="") + SEEN.format(loaded=WORKS)
    assert answer(code, newest.site, env={"FINDLIBS2_VISIBILITY": "private"}) == [True, False, own_sqlite()]


def test_the_configuration(newest: Environment, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[library.eccodes]\nvisibility = "private"\n')
    code = LOAD.format(how="") + SEEN.format(loaded=WORKS)
    told = answer(code, newest.site, requirements(), env={"FINDLIBS2_CONFIG": str(tmp_path / "config.toml")})
    assert told == [True, False, own_sqlite()]


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
