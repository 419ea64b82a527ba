"""The packages that people import, unmodified, with `findlibs2.compat.install()`: each does a small real job.

Each was written for findlibs 0.1.3, which is installed beside them. `do` also sees to it that the process ends well.
"""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from tests.wheels import closure
from tests.wheels.environments import Environment, environment, offered
from tests.wheels.jobs import EVERY, INSTALL, NAMES, Done, do, known

# What each of them asks `findlibs` for, by file name.
ASKED = {
    "eckit": ["libeckit.so", "libeckit_maths.so"],
    "eckit.geo": ["libeckit.so", "libeckit_maths.so", "libeckit_geo.so"],
    "mir": ["libmir.so"],
    "eccodes": ["libeccodes.so"],
    "pyfdb": ["libfdb5.so"],
    "pymetkit": ["libmetkit.so"],
    "z3fdb": ["libfdb5.so"],
    "multio": ["libmultio-api.so"],
    "pygribjump": ["libgribjump.so"],
    "codc": ["libodccore.so"],
}
NEWEST = offered()[0]
NEIGHBOURS = list(zip(NAMES[NEWEST], [*NAMES[NEWEST][1:], NAMES[NEWEST][0]], strict=True))

EACH = pytest.mark.parametrize(("counter", "name"), EVERY)
INSTALLED = pytest.mark.parametrize(
    "start",
    [INSTALL + "import findlibs\n", "import findlibs\n" + INSTALL, INSTALL + INSTALL],
    ids=["before-import", "after-import", "twice"],
)


@functools.cache
def alone(counter: str, name: str) -> Done:
    return do(environment(counter), [name])


def of_wheels(environment: Environment, done: Done) -> list[str]:
    """DT_SONAMEs of what is mapped from the wrappers, sorted; what is mapped twice stands there twice."""
    return sorted(closure.names([path for path in done.mapped if environment.site in Path(path).parents]))


def needed(environment: Environment, *names: str) -> list[str]:
    """What these interfaces ask for, with all that it needs, each once."""
    files = [file for name in names for file in ASKED[name]]
    return sorted({soname for file in files for soname in closure.closure(environment.site, file)})


@EACH
def test_an_unmodified_interface_does_its_job(counter: str, name: str) -> None:
    assert alone(counter, name).told == known(environment(counter), [name])


@EACH
def test_it_has_mapped_what_it_asked_for_and_what_that_needs_each_once(counter: str, name: str) -> None:
    assert of_wheels(environment(counter), alone(counter, name)) == needed(environment(counter), name)


@pytest.mark.parametrize("names", NEIGHBOURS, ids="-".join)
def test_two_interfaces_do_their_jobs_in_one_process(newest: Environment, names: tuple[str, str]) -> None:
    done = do(newest, names)
    assert (done.told, of_wheels(newest, done)) == (known(newest, names), needed(newest, *names))


@pytest.mark.parametrize("step", [1, -1], ids=["forwards", "backwards"])
def test_all_of_them_do_their_jobs_in_one_process(newest: Environment, step: int) -> None:
    names = NAMES[newest.counter][::step]
    done = do(newest, names)
    assert (done.told, of_wheels(newest, done)) == (known(newest, names), needed(newest, *names))


@INSTALLED
@pytest.mark.parametrize("name", ["mir"] if NEWEST == "27" else ["mir", "eccodes"])
def test_install_may_come_before_or_after_the_import_of_findlibs(newest: Environment, name: str, start: str) -> None:
    """`mir` calls `load` and `find`, eccodes calls `find`. findlibs 0.1.3 would open more than is needed for both."""
    done = do(newest, [name], start=start)
    assert (done.told, of_wheels(newest, done)) == (known(newest, [name]), needed(newest, name))
