"""What `find` gave away stays in the process until it ends, although cffi closes it before.

On being mapped libgribjump leaves a function of its own with libfdb5 (`fdb5::LibFdb5::registerConstructorCallback`), and
never takes it back. cffi closes libgribjump when pygribjump's objects go; nobody else has it open, so it is unmapped.
libfdb5 was mapped before, stays, and destroys the function in `exit`: SIGSEGV. Whether pygribjump's objects go at all is
chance: pygribjump uses `typing.overload`, whose register holds them, and that is emptied as the interpreter ends if
typing_extensions was imported (multio, pymetkit and z3fdb bring it), and otherwise is not.
"""

from __future__ import annotations

import signal

import pytest

from tests.wheels.environments import Environment, environment, offered, original
from tests.wheels.jobs import INSTALL
from tests.wheels.run import answer, run

COMPANIONS = ("typing_extensions", "multio", "pymetkit", "z3fdb")
NAMES = {"33": ("gribjump", "multio-api", "eccodes"), "32": ("odccore",), "27": ("gribjump", "multio-api", "eccodes")}
CLOSED = """
import _ctypes, findlibs
path = findlibs.find(*{asked!r})
_ctypes.dlclose(_ctypes.dlopen(path, 2))
"""
ASKED = {"multio-api": ("multio-api", "multiolib"), "odccore": ("odccore", "odclib")}
GRIBJUMP = [counter for counter in offered() if "gribjump" in NAMES[counter]]


def imports(companion: str, order: int) -> str:
    return "import " + ", ".join([companion, "pygribjump"][::order])


@pytest.mark.parametrize(("counter", "name"), [(counter, name) for counter in offered() for name in NAMES[counter]])
def test_a_library_that_was_found_opened_and_closed_is_still_mapped(counter: str, name: str) -> None:
    code = INSTALL + CLOSED.format(asked=ASKED.get(name, (name,))) + "tell(path in mapped())"
    assert answer(code, original(), environment(counter).site) is True


if "33" in offered():  # pygribjump is pinned for this counter

    @pytest.mark.parametrize("order", [1, -1], ids=["before", "after"])
    @pytest.mark.parametrize("companion", COMPANIONS)
    def test_an_interpreter_that_imported_pygribjump_ends_well(newest: Environment, companion: str, order: int) -> None:
        code = INSTALL + imports(companion, order)
        assert run(code, newest.interfaces, newest.site).returncode == 0

    @pytest.mark.parametrize("companion", COMPANIONS)
    def test_with_findlibs_0_1_3_it_does_not(newest: Environment, companion: str) -> None:
        done = run(imports(companion, 1), newest.interfaces, newest.site)
        assert done.returncode == -signal.SIGSEGV


@pytest.mark.parametrize("counter", GRIBJUMP)
def test_with_findlibs_0_1_3_closing_libgribjump_is_enough(counter: str) -> None:
    done = run(CLOSED.format(asked=("gribjump",)), original(), environment(counter).site)
    assert done.returncode == -signal.SIGSEGV


@pytest.mark.parametrize("counter", GRIBJUMP)
def test_with_findlibs_0_1_3_it_ends_well_if_somebody_keeps_libgribjump_open(counter: str) -> None:
    """So it is the unmapping, and nothing else."""
    code = "import findlibs\nfindlibs.load('gribjump')" + CLOSED.format(asked=("gribjump",))
    assert run(code, original(), environment(counter).site).returncode == 0
