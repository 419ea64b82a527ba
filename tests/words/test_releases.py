"""What `check` says of mixed releases: the whole text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import need
from tests.build.elf_symbols import UND, Symbol, library
from tests.words.said import distribution, printed

pytestmark = need.glibc()
CHECK = "import findlibs2; from findlibs2 import report; print(report.verdict(findlibs2.check('mir')))"
MISSING = "_ZN5eckit4Main4initEv"


def wrapper(
    site: Path,
    name: str,
    version: str,
    requires: Sequence[str] = (),
    declared: Sequence[str] = (),
    commit: str = "c0ffee",
) -> Path:
    """A wrapper with its metadata; the directory of its libraries, of which it has none."""
    source = f"__version__ = {version!r}\n__commit_hash__ = {commit!r}\nfindlibs_dependencies = {list(declared)!r}\n"
    (site / name / "lib64").mkdir(parents=True)
    (site / name / "__init__.py").write_text(source)
    distribution(site, name, version, requires)
    return site / name / "lib64"


def stack(site: Path, eckit: str, mir: str, pins: list[str], broken: bool = False) -> None:
    """libmir on libeckit, which lacks something if it is broken."""
    wanted = Symbol(MISSING, section=UND, value=0)
    (wrapper(site, "mirlib", mir, pins, ["eckitlib"]) / "libmir.so").write_bytes(
        library([wanted], "libmir.so", ["libeckit.so"])
    )
    has = Symbol("_ZN5eckit4Main4stopEv" if broken else MISSING)
    (wrapper(site, "eckitlib", eckit) / "libeckit.so").write_bytes(library([has], "libeckit.so"))


def said(site: Path, before: str = "") -> str:
    return printed(site, f"{before}\n{CHECK}", None)


@pytest.fixture(name="site")
def place(tmp_path: Path) -> Path:
    return tmp_path


def test_of_what_was_released_together_nothing_is_said(site: Path) -> None:
    stack(site, "2.5.0.33", "1.30.2.33", ["eckitlib==2.5.0.33"])
    assert said(site) == "mir: 2 libraries, nothing that stops a load"


def test_a_release_of_the_same_version_is_said_to_be_one(site: Path) -> None:
    stack(site, "2.5.0.32", "1.30.2.33", ["eckitlib==2.5.0.33"])
    assert said(site) == (
        """\
wrappers of this stack were released at different times; what they share is checked by name alone [counters-differ]
    eckitlib   2.5.0.32   2.5.0.33 is asked for: the same version, another counter
    mirlib   1.30.2.33
installed packages ask for other versions than are there; what they share is checked by name alone [requirement-unmet]
    eckitlib 2.5.0.32   asked for eckitlib==2.5.0.33   by mirlib 1.30.2.33
mir: 2 libraries, nothing that stops a load"""
    )


@pytest.mark.parametrize(
    ("commit", "cause", "row"),
    [
        ("c0ffee", ", from the same sources", "the same commit"),
        ("decade", "; what they share is checked by name alone", "another commit"),
    ],
)
def test_where_another_copy_tells_it_the_commit_is_compared(site: Path, commit: str, cause: str, row: str) -> None:
    stack(site, "2.5.0.32", "1.30.2.33", ["eckitlib==2.5.0.33"])
    wrapper(site / "hidden", "eckitlib", "2.5.0.33", commit=commit)
    told = said(site, f"import sys; sys.path.append({str(site / 'hidden')!r})").split("\n")
    assert told[3:6] == [
        f"wrappers of this stack were released at different times{cause} [counters-differ]",
        f"    eckitlib   2.5.0.32   2.5.0.33 is asked for: {row}",
        "    mirlib   1.30.2.33",
    ]


def test_who_asks_for_the_same_is_told_in_one_row(site: Path) -> None:
    stack(site, "2.5.0.32", "1.30.2.32", ["eckitlib==2.5.0.33"])
    for name in ("eckit", "pyfdb", "z3fdb"):
        distribution(site, name, "2.5.0.33", ["eckitlib == 2.5.0.33"])
    distribution(site, "earthkit-data", "1.3.0", ["eckitlib>=2.5.0.33"])
    rows = [line.split("   ") for line in said(site).split("\n")[1:-1]]
    assert rows == [
        ["", " eckitlib 2.5.0.32", "asked for eckitlib==2.5.0.33", "by mirlib 1.30.2.32, eckit 2.5.0.33 and 2 more"],
        ["", " eckitlib 2.5.0.32", "asked for eckitlib>=2.5.0.33", "by earthkit-data 1.3.0"],
    ]


def test_the_counters_of_a_large_stack_are_all_told(site: Path) -> None:
    names = [f"n{number}lib" for number in range(9)]
    for name in names:
        wrapper(site, name, "1.0.0.32")
    stack(site, "2.5.0.33", "1.30.2.33", [])
    init = site / "mirlib" / "__init__.py"
    init.write_text(init.read_text().replace("['eckitlib']", repr([*names, "eckitlib"])))
    assert [line.split()[0] for line in said(site).split("\n")[1:-1]] == [*names, "eckitlib", "mirlib"]


class TestSeveralProviders:
    """libz.so is in two packages; libmir.so gets that of its own."""

    def stack(self, site: Path, mine: str, other: str) -> str:
        stack(site, "2.5.0.33", "1.30.2.33", [])
        wants = [Symbol(MISSING, section=UND, value=0), Symbol("z_new", section=UND, value=0)]
        place = site / "mirlib" / "lib64"
        (place / "libmir.so").write_bytes(library(wants, "libmir.so", ["libeckit.so", "libz.so"]))
        (place / "libz.so").write_bytes(library([Symbol(mine)], "libz.so"))
        (site / "eckitlib" / "lib64" / "libz.so").write_bytes(library([Symbol(other)], "libz.so"))
        return said(site)

    NOTE = """several packages bring libz.so, of different content; one of them serves all [several-providers]
    taken   SITE/mirlib/lib64/libz.so
    left out   SITE/eckitlib/lib64/libz.so
"""

    def test_equal_ones_are_no_matter(self, site: Path) -> None:
        assert self.stack(site, "z_new", "z_new") == "mir: 3 libraries, nothing that stops a load"

    def test_one_that_has_nothing_that_is_missing(self, site: Path) -> None:
        told = self.stack(site, "z_new", "z_old")
        assert (
            told
            == f"{self.NOTE}    so   nothing is missing because of that\nmir: 3 libraries, nothing that stops a load"
        )

    def test_one_that_has_what_is_missing(self, site: Path) -> None:
        told = self.stack(site, "z_old", "z_new")
        assert f"{self.NOTE}    which has   z_new\nmir: 3 libraries, cannot be loaded" in told


class TestFix:
    """The command that repairs a broken stack installs what an installed package asks for, and nothing else."""

    def fix(self, site: Path) -> list[str]:
        return [line.strip() for line in said(site).split("\n") if "fix:" in line]

    def test_all_that_the_package_asks_for_is_installed_at_once(self, site: Path) -> None:
        stack(site, "2.6.0.34", "1.30.2.33", ["eckitlib==2.5.0.33", "eccodeslib<2.50.0.34", "numpy"], broken=True)
        wrapper(site, "eccodeslib", "2.51.0.34")
        command = "pip install eckitlib==2.5.0.33 'eccodeslib<2.50.0.34'"
        assert self.fix(site) == [f"fix: {command}     # what mirlib's own metadata asks for"]

    def test_where_the_package_asks_for_nothing_those_do_who_ask_for_its_supplier(self, site: Path) -> None:
        stack(site, "2.6.0.34", "1.30.2.33", [], broken=True)
        distribution(site, "eckit", "2.5.0.33", ["eckitlib==2.5.0.33"])
        assert self.fix(site) == ["fix: pip install eckitlib==2.5.0.33     # what eckit's own metadata asks for"]

    def test_where_they_ask_for_different_things_there_is_none(self, site: Path) -> None:
        stack(site, "2.6.0.34", "1.30.2.33", [], broken=True)
        distribution(site, "eckit", "2.5.0.33", ["eckitlib==2.5.0.33"])
        distribution(site, "pyfdb", "5.25.0.32", ["eckitlib==2.5.0.32"])
        assert self.fix(site) == []

    def test_where_what_is_asked_for_is_there_there_is_none(self, site: Path) -> None:
        stack(site, "2.6.0.34", "1.30.2.33", ["eckitlib==2.6.0.34"], broken=True)
        assert self.fix(site) == []
