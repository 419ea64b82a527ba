"""Interface packages of counter 33 on wrappers of others: imported exactly where the loader misses nothing.

An extension module is one more file to the loader, which is handed to it behind the plan of the libraries.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.tracing import trace
from tests.symcheck.asked import facts
from tests.wheels import jobs
from tests.wheels.environments import environment
from tests.wheels.releases import Mixture
from tests.wheels.run import answer

# What a package loads, and its extension modules, as its `__init__` imports them.
LIBRARIES = {
    "mir": ("eckit", "eckit_maths", "eckit_geo", "mir"),
    "eckit": ("eckit", "eckit_maths"),
    "pyfdb": ("fdb5",),
    "chunked_data_view_bindings": ("fdb5",),
    "pymetkit": ("metkit",),
}
EXTENSIONS = {
    "mir": ("eckit/_eckit.*.so", "eckit/geo/_eckit_geo.*.so", "mir/_mir.*.so"),
    "eckit": ("eckit/_eckit.*.so",),
    "pyfdb": ("pyfdb/bindings/_pyfdb_bindings.*.so",),
    "chunked_data_view_bindings": ("chunked_data_view_bindings/*.so",),
    "pymetkit": ("pymetkit_bindings/*.so",),
}
# A whole release of another counter, and whether it is new enough; then some wrappers of another one among those of 33.
WHOLE = {
    "mir": {"32": True, "30": False, "19": False},
    "eckit": {"31": True, "21": True, "20": False, "17": False},
    "pyfdb": {"31": True, "29": True, "27": False, "19": False},
    "chunked_data_view_bindings": {"31": True, "29": True, "27": False, "19": False},
    "pymetkit": {"31": True, "28": True, "27": False},
}
MIXED = {
    Mixture("mir", "33", ("eckitlib",), "32"): True,
    Mixture("mir", "33", ("eckitlib",), "31"): True,
    Mixture("mir", "33", ("eckitlib", "eccodeslib"), "31"): True,
    Mixture("mir", "33", ("eckitlib",), "30"): False,
    Mixture("mir", "33", ("eckitlib",), "26"): False,
    Mixture("mir", "33", ("eckitlib",), "20"): False,
    Mixture("mir", "33", ("mirlib",), "32"): True,
    Mixture("pyfdb", "33", ("eckitlib", "eccodeslib", "metkitlib"), "30"): True,
    Mixture("pyfdb", "33", ("metkitlib",), "30"): False,
    Mixture("pyfdb", "33", ("fdb5lib",), "30"): False,
}
EVERY = {**{Mixture(name, each, (), each): fine for name, of in WHOLE.items() for each, fine in of.items()}, **MIXED}
AT_WORK = [
    Mixture("mir", "33", ("eckitlib",), "31"),
    Mixture("mir", "33", ("mirlib",), "32"),
    Mixture("eccodes", "33", ("eckitlib",), "31"),
    Mixture("pyfdb", "33", ("eckitlib",), "32"),
    Mixture("multio", "33", ("eckitlib",), "32"),
]

PLAN = "import findlibs2\ntell([step.path for step in findlibs2.plan(*{names!r}).steps])"
IMPORT = f"""
{jobs.INSTALL}
try:
    import {{name}}
    tell("imported")
except (ImportError, OSError) as error:
    tell(str(error))
"""


def files(mixture: Mixture) -> list[str]:
    """The libraries of an interface package in the order of their plan, then its extension modules."""
    steps = answer(PLAN.format(names=LIBRARIES[mixture.library]), *mixture.sites)
    interfaces = environment("33").interfaces
    modules = [str(file) for each in EXTENSIONS[mixture.library] for file in interfaces.glob(each)]
    assert len(modules) == len(EXTENSIONS[mixture.library])
    return [*steps, *modules]


def of_python(symbol: str) -> bool:
    """Whether the interpreter brings it, which is not there where the loader is asked."""
    return symbol.startswith(("Py", "_Py"))


def of_absent(machine: Any) -> int:
    """How many symbols may be those of a library that is not there (of 0.46, where the module needs libatlas.so.0.47)."""
    return sum(each["symbols"] for each in machine["not_given"] if each["name"] != "the Python interpreter")


@pytest.mark.parametrize(("mixture", "fine"), EVERY.items(), ids=map(str, EVERY))
def test_of_an_extension_we_miss_what_the_loader_misses(mixture: Mixture, fine: bool) -> None:
    given = files(mixture)
    theirs = {(name, os.path.realpath(by)) for name, _, by in trace(given).told.symbols if not of_python(name)}
    (machine,) = facts("--system", *given)["machines"]
    missing = [each for each in machine["findings"] if each["code"] == "missing-symbol"]
    ours = {(name.partition("@")[0], os.path.realpath(each["path"])) for each in missing for name in each["symbols"]}
    assert (ours - theirs, len(theirs - ours), theirs == set()) == (set(), of_absent(machine), fine)


@pytest.mark.parametrize(("mixture", "fine"), EVERY.items(), ids=map(str, EVERY))
def test_it_is_imported_exactly_where_nothing_is_missing(mixture: Mixture, fine: bool) -> None:
    said = answer(IMPORT.format(name=mixture.library), environment("33").interfaces, *mixture.sites)
    assert (said == "imported") == fine, said


@pytest.mark.parametrize("mixture", AT_WORK, ids=str)
def test_on_another_release_of_the_same_source_it_does_its_job(mixture: Mixture) -> None:
    job = jobs.jobs(environment("33"))[mixture.library]
    with tempfile.TemporaryDirectory() as home:
        env = {"HOME": home, "MIR_CACHE_PATH": home}
        code = f"{jobs.INSTALL}\n{job.script}\ntell(told)"
        told = answer(code, environment("33").interfaces, *mixture.sites, env=env, cwd=Path(home))
    assert told == job.known
