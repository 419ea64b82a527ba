"""What people read of broken mixtures of published releases: short, whole, and with one command at its end."""

from __future__ import annotations

import re

import pytest

from tests.wheels.releases import Mixture
from tests.wheels.run import run
from tests.words.said import plain, requirements

LOAD = """
import findlibs2
try:
    findlibs2.load({name!r})
except findlibs2.RefusedError as error:
    print(error)
"""
CHECK = "import findlibs2; from findlibs2 import report; print(report.verdict(findlibs2.check({name!r})))"


def said(code: str, mixture: Mixture) -> list[str]:
    """The lines, each wrapper's directory being SITE; not those of search directories, which are the same for all."""
    text = run(code.format(name=mixture.library), *mixture.sites, requirements()).stdout
    for site in mixture.sites:
        text = text.replace(str(site), "SITE")
    return [line for line in plain(text).split("\n") if not line.startswith("    RPATH")]


ECKIT = Mixture("mir", "33", ("eckitlib",), "27")
MIR = Mixture("mir", "33", ("mirlib",), "30")
GRIBJUMP = Mixture("gribjump", "33", ("gribjumplib",), "27")


def test_sixteen_symbols_for_want_of_which_three_libraries_cannot_be_loaded() -> None:
    *told, loader = said(LOAD, ECKIT)
    assert told == [
        "mir cannot be loaded: 3 libraries need 16 symbols that eckitlib 2.2.0.27 does not have [missing-symbol]",
        "    _ZNK5eckit3geo4Grid2dxEv",
        "    _ZNK5eckit3geo4Grid2dyEv",
        "    _ZNK5eckit3geo4Grid2nxEv",
        "    _ZNK5eckit3geo4Grid2nyEv",
        "    _ZNK5eckit3geo4Grid11custom_specEv",
        "    ... and 11 more",
        "    wanted by   SITE/eccodeslib/lib64/libeccodes.so   eccodeslib 2.50.0.33  (8 of them)",
        "    wanted by   SITE/mirlib/lib64/libmir.so   mirlib 1.30.2.33  (14 of them)",
        "    wanted by   SITE/atlaslib_ecmwf/lib64/libatlas.so   atlaslib_ecmwf 0.47.0.33  (5 of them)",
        "    expected in   SITE/eckitlib/lib64/libeckit_geo.so   eckitlib 2.2.0.27  (8 of them)",
        "    expected in   SITE/eckitlib/lib64/libeckit.so   eckitlib 2.2.0.27  (7 of them)",
        "    expected in   SITE/eckitlib/lib64/libeckit_spec.so   eckitlib 2.2.0.27  (1 of them)",
        "    released   eccodeslib, mirlib, atlaslib_ecmwf with counter 33, eckitlib with 27",
        "  fix: pip install eckitlib==2.5.0.33     # what mirlib's own metadata asks for",
    ]
    assert re.match(r"  the loader, which opened nothing: \S+: undefined symbol: \w+$", loader)


def test_a_library_of_another_version() -> None:
    assert said(LOAD, MIR) == [
        "mir cannot be loaded: libatlas.so.0.46, which libmir.so needs, is nowhere to be found [missing-library]",
        "    needed by   SITE/mirlib/lib64/libmir.so   mirlib 1.30.1.30",
        "    there is   libatlas.so.0.47   in atlaslib_ecmwf 0.47.0.33",
        "    package   mirlib, eccodeslib, eckitlib, atlaslib_ecmwf   hold no libatlas.so.0.46",
        "    ld.so.cache   no libatlas.so.0.46",
        "  fix: pip install mirlib==1.30.2.33     # what multiolib's own metadata asks for",
        "  to try it nevertheless, at the risk of running what others put there: FINDLIBS2_VERIFY=off",
    ]


def test_symbols_of_a_library_that_is_missing_are_no_reason_of_their_own() -> None:
    told = said(CHECK, MIR)
    assert [line for line in told if "symbol" in line] == [
        "    perhaps its   155 symbols that libmir.so wants and nobody has",
        "libmir.so needs 5 symbols that libeckit_geo.so does not have [missing-symbol]",
        "    expected in   SITE/eckitlib/lib64/libeckit_geo.so   eckitlib 2.5.0.33  (exports 3,140 symbols; not these)",
    ]


@pytest.mark.parametrize(("code", "place"), [(LOAD, slice(-3, -1)), (CHECK, slice(-2, None))])
def test_whose_requirements_the_fix_breaks(code: str, place: slice) -> None:
    command = "pip install eckitlib==2.2.0.27 eccodeslib==2.48.2.27 metkitlib==1.20.2.27 fdb5lib==5.23.2.27"
    assert said(code, GRIBJUMP)[place] == [
        f"  fix: {command}     # what gribjumplib's own metadata asks for",
        "  but: atlaslib-ecmwf 0.47.0.33, mirlib 1.30.2.33 and 1 more asked for what is there now",
    ]


def test_a_missing_runtime_of_fortran_has_all_that_is_missing() -> None:
    told = said(CHECK, Mixture("fckit", "19", (), "19"))
    assert [line for line in told if "symbol" in line or "fix" in line] in (
        ["    perhaps its   25 symbols that libfckit.so wants and nobody has"],
        [],  # this machine has the runtime
    )
