"""Packages that bring other versions of what the stack brings (curl, OpenSSL, Kerberos, SQLite, PROJ), beside it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests import need
from tests.wheels import environments
from tests.wheels.environments import Environment
from tests.wheels.private import EAGER, LAZY, SQLITE
from tests.wheels.run import answer, run

pytestmark = [] if environments.ready("neighbours") else [need.index()]

# What each says of itself, and a little work: curl and PROJ name the libraries that they really run on.
WORK: Mapping[str, str] = {
    "pycurl": "import pycurl\npycurl.Curl().close()\nsaid = pycurl.version",
    "psycopg2": """
import psycopg2
try:
    psycopg2.connect(host="127.0.0.1", port=1, sslmode="require", connect_timeout=1)
except psycopg2.OperationalError as error:
    said = [psycopg2.__libpq_version__, str(error).split(":")[0]]
""",
    "pyproj": """
import pyproj
there = pyproj.Transformer.from_crs(4326, 3857, always_xy=True).transform(10, 50)
said = [pyproj.proj_version_str, pyproj.CRS(25832).name, [round(each) for each in there]]
""",
    "sqlite3": f"{SQLITE}\nsaid = sqlite()",
}
EACH = pytest.mark.parametrize("package", WORK)
HOW = pytest.mark.parametrize("how", [EAGER, LAZY], ids=["now", "lazy"])
STACK = "open_private('mir')\nopen_private('fdb5')\n"


def said(of: Environment, code: str) -> object:
    """What the package says; and the process ends well, which is where two OpenSSL would show themselves."""
    return answer(f"{code}\ntell(said)", environments.installed("neighbours"), of.site)


@EACH
@HOW
def test_a_neighbour_works_after_the_stack_as_without_it(newest: Environment, package: str, how: str) -> None:
    assert said(newest, how + STACK + WORK[package]) == said(newest, WORK[package])


@EACH
@HOW
def test_a_neighbour_works_before_the_stack_as_without_it(newest: Environment, package: str, how: str) -> None:
    code = f"{WORK[package]}\n{how}{STACK}{WORK[package]}"
    assert said(newest, code) == said(newest, WORK[package])


@EACH
def test_all_of_them_together_change_nothing(newest: Environment, package: str) -> None:
    others = "\n".join(WORK[name] for name in WORK if name != package)
    assert said(newest, f"{LAZY}{STACK}{others}\n{WORK[package]}") == said(newest, WORK[package])


@pytest.mark.parametrize(("package", "library"), [("pycurl", "curl"), ("sqlite3", "sqlite3"), ("pyproj", "proj")])
def test_in_the_global_scope_it_does_not_where_the_stack_brings_its_library(
    newest: Environment, package: str, library: str
) -> None:
    """The control: it fails, or dies. Counter 27 brought neither SQLite nor PROJ."""
    code = f"from inside import tell\n{EAGER}open_global('mir')\n{WORK[package]}\ntell(said)"
    done = run(code, environments.installed("neighbours"), newest.site)
    assert (done.returncode != 0) is any(newest.site.glob(f"*.libs/lib{library}-*"))
