"""Every library that any published wrapper holds loads on its own, in a process of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.wheels.environments import Environment
from tests.wheels.releases import FORTRAN, held
from tests.wheels.run import answer

LOAD = """
import findlibs2
try:
    findlibs2.load({name!r}, {package!r})
    tell("loaded")
except findlibs2.RefusedError as error:
    tell([[finding.code, finding.name] for finding in error.findings])
"""
# The Fortran half of pluto needs a runtime that no wheel brings and not every machine has.
NOT_EVERYWHERE = [["missing-library", FORTRAN]]


def test_every_library_of_every_wrapper_loads(newest: Environment) -> None:
    def outcome(library: tuple[str, str]) -> object:
        return answer(LOAD.format(name=library[0], package=library[1]), newest.site)

    every = held([newest.site])
    with ThreadPoolExecutor(2) as children:
        outcomes = dict(zip(every, children.map(outcome, every), strict=True))
    assert len(every) > 40
    refused = {library: said for library, said in outcomes.items() if said != "loaded"}
    assert all(library[0] == "pluto_f" and said == NOT_EVERYWHERE for library, said in refused.items()), refused
