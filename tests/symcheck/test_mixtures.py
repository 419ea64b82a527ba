"""Published wheels of two releases together: exactly what the real loader misses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import need
from tests.oracle.tracing import trace
from tests.symcheck import published
from tests.symcheck.asked import facts
from tests.wheels.environments import environment, installed

pytestmark = [
    *published.needs("wrappers-33", "older-30"),
    pytest.mark.skipif(os.uname().machine != "x86_64", reason="x86_64 wheels"),
]


def libraries(site: Path, package: str) -> list[Path]:
    return sorted(path for path in site.rglob("*.so*") if path.relative_to(site).parts[0].startswith(package))


BUILD = "_ZN5eckit3geo11GridFactory5buildERKNS_4spec4SpecE"
CUSTOM = "_ZNK5eckit3geo4Grid11custom_specEv"
MAKE = "_ZN5eckit3geo11GridFactory9make_specERKNS_4spec4SpecE"
STRING = "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
HEALPIX = f"_ZN5eckit3geo4grid7reduced7HEALPixC1Em{STRING}PNS0_4area11BoundingBoxEPKNS0_10ProjectionE"
FROM_SPEC = "_ZNK5eckit3geo11GridFactory15make_from_spec_ERKNS_4spec4SpecE"
INSTANCE = "_ZN5eckit3geo11GridFactory8instanceEv"
# A wrapper of counter 30 among those of 33: what is then missing, by library; and the wheel that should have it.
MIXTURES = {
    "eckitlib": (
        "eckitlib",
        {"libmetkit.so": {BUILD}, "libeccodes.so": {BUILD, CUSTOM}, "libmir.so": {BUILD, CUSTOM, HEALPIX, MAKE}},
    ),
    "metkitlib": ("eckitlib", {"libmetkit.so": {FROM_SPEC, INSTANCE}}),
}
MIXED = pytest.mark.parametrize("older", MIXTURES)


@need.glibc()
@MIXED
def test_of_a_mixture_we_miss_what_the_loader_misses(older: str) -> None:
    old, new = installed("older-30"), environment("33").site
    packages = [(old if each == older else new, each) for each in ("eckitlib", "eccodeslib", "metkitlib", "fdb5lib")]
    given = [path for site, each in packages for path in libraries(site, each)]
    ours = {
        (name.partition("@")[0], each["path"])
        for machine in facts("--system", *given)["machines"]
        for each in machine["findings"]
        if each["code"] == "missing-symbol"
        for name in each["symbols"]
    }
    theirs = {(name, by) for name, _, by in trace(given).told.symbols}
    assert ours == theirs != set()


@MIXED
def test_a_mixture_is_named_exactly(older: str) -> None:
    given = {**published.wheels("wrappers-33"), older: published.wheels("older-30")[older]}
    supplier, missing = MIXTURES[older]
    (machine,) = facts(*given.values())["machines"]
    assert {each["expected_in"].partition(".whl/")[0] + ".whl" for each in machine["findings"]} == {
        str(given[supplier])
    }
    assert {os.path.basename(each["path"]): set(each["symbols"]) for each in machine["findings"]} == missing
