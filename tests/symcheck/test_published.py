"""Published wheels: nothing is missing in any consistent set."""

from __future__ import annotations

import os

import pytest

from tests import need
from tests.symcheck import published
from tests.symcheck.asked import check, found
from tests.wheels.environments import environment, offered

SETS = [f"wrappers-{counter}" for counter in offered()]

pytestmark = [
    *published.needs(*SETS),
    pytest.mark.skipif(os.uname().machine != "x86_64", reason="x86_64 wheels"),
]


@pytest.mark.parametrize("name", SETS)
def test_nothing_is_missing_in_the_wheels_of_one_release(name: str) -> None:
    said = check(*published.wheels(name).values())
    assert (said.status, said.err) == (0, "")
    assert "[" not in said.out


@pytest.mark.parametrize("counter", offered())
def test_nothing_is_missing_in_what_is_installed_with_all_that_people_import(counter: str) -> None:
    """numpy, scipy and pandas are among it: a wrong finding about them would be one about half of the world."""
    of = environment(counter)
    assert found(of.site, of.interfaces) == []


@need.glibc()
def test_nor_with_this_systems_own_libraries() -> None:
    said = check("--system", *published.wheels(SETS[0]).values())
    taken = [line.rpartition("/")[2] for line in said.out.splitlines() if line.startswith("taken from this system: ")]
    assert (said.status, said.err) == (0, "")
    assert {"libc.so.6", "libm.so.6"} <= set(taken)
    assert "not looked at   libc.so.6" not in said.out
