"""A name -> the file, the package, and the trail of every place considered. On disk, in this process; nothing is loaded."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from findlibs2 import locating
from findlibs2.errors import NotFoundError, RefusedError
from findlibs2.findings import OverrideMissing
from findlibs2.model import Considered, FileProblem
from findlibs2.notes import PackageMissing, PackageRing, PassedOver
from tests import need
from tests.build.elf import library
from tests.wheels.made import wrapper

pytestmark = need.glibc()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """betalib on alphalib, first on the path."""
    wrapper(tmp_path, "alpha", [], [])
    wrapper(tmp_path, "beta", ["alpha"], ["alpha"])
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


def libbeta(site: Path) -> Path:
    return site / "betalib" / "lib64" / "libbeta.so"


def test_the_trail_names_every_source_in_order(site: Path) -> None:
    assert locating.locate("beta", None).trail.considered == (
        Considered("override", "FINDLIBS2_LIB_BETA", "not set"),
        Considered("package", "betalib", "found", str(libbeta(site))),
    )


def test_junk_in_a_directory_that_goes_before_is_passed_over(site: Path) -> None:
    junk = site / "betalib" / "lib" / "libbeta.so"
    junk.parent.mkdir()
    libbeta(site).rename(junk.parent / "good")
    libbeta(site).write_text("GROUP ( libother.so )\n")
    (junk.parent / "good").rename(junk)
    located = locating.locate("beta", None)
    problem = FileProblem("linker-script", "a script for the linker, which names the real library")
    assert (located.file and located.file.path) == str(junk)
    assert located.findings == (PassedOver(str(libbeta(site)), problem, str(junk)),)


def test_the_newest_version_is_taken_where_there_is_no_unversioned_name(site: Path) -> None:
    libbeta(site).unlink()
    for version in ("2", "10"):
        (libbeta(site).parent / f"libbeta.so.{version}").write_bytes(library(f"libbeta.so.{version}"))
    located = locating.locate("beta", None)
    assert located.file is not None
    assert located.file.path == f"{libbeta(site)}.10"


def test_a_name_that_only_a_wrapper_knows_is_found_by_looking(site: Path) -> None:
    (libbeta(site).parent / "libodd.so").write_bytes(library("libodd.so"))
    located = locating.locate("odd", None)
    assert (located.file and located.file.path, located.package and located.package.name) == (
        str(libbeta(site).parent / "libodd.so"),
        "betalib",
    )


def test_an_override_wins_and_the_wrapper_still_says_what_it_depends_on(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = site / "mine" / "libbeta.so"
    mine.parent.mkdir()
    mine.write_bytes(library("libbeta.so"))
    monkeypatch.setenv("FINDLIBS2_LIB_BETA", str(mine.parent))
    root = locating.root("beta", None)
    assert (root.file.path, root.overridden) == (str(mine), True)
    assert root.package is not None
    assert root.package.depends_on == ("alphalib",)


def test_an_override_counts_for_a_needed_library_too(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINDLIBS2_LIB_ALPHA", "/gone")
    answer = locating.overrides()
    assert answer("libalpha.so.0") == OverrideMissing("FINDLIBS2_LIB_ALPHA", "/gone")
    assert (answer("libbeta.so"), answer("alpha")) == (None, None)


def test_where_no_variable_is_set_none_is_looked_up(site: Path) -> None:
    assert locating.overrides()("libalpha.so") is None


def test_nothing_found_is_an_error_with_the_trail(site: Path) -> None:
    with pytest.raises(NotFoundError) as raised:
        locating.root("gamma", None)
    assert raised.value.trail.considered[:2] == (
        Considered("override", "FINDLIBS2_LIB_GAMMA", "not set"),
        Considered("package", "gammalib", "not installed"),
    )


def test_an_override_that_names_nothing_is_an_error(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINDLIBS2_LIB_BETA", "/gone")
    with pytest.raises(RefusedError) as raised:
        locating.root("beta", None)
    assert raised.value.findings == (OverrideMissing("FINDLIBS2_LIB_BETA", "/gone"),)


def test_the_stack_has_dependencies_first(site: Path) -> None:
    package = locating.root("beta", None).package
    stack = locating.stack([package], importing=None)
    assert ([each.name for each in stack.packages], stack.findings) == (["alphalib", "betalib"], ())


def test_two_libraries_of_one_wrapper_make_one_stack(site: Path) -> None:
    (site / "betalib" / "__init__.py").write_text("depends_on = list(('alphalib',))\n")
    package = locating.root("beta", None).package
    stack = locating.stack([package, package], importing=None)
    assert ([each.name for each in stack.packages], len(stack.findings)) == (["betalib"], 1)


def test_a_dependency_that_is_not_installed_is_told(site: Path) -> None:
    (site / "alphalib").rename(site / "gone")
    stack = locating.stack([locating.root("beta", None).package], importing=None)
    considered = (Considered("package", "alphalib", "not installed"),)
    assert stack.findings == (PackageMissing("alphalib", "betalib", considered),)


def test_packages_that_declare_each_other_are_a_ring_and_no_obstacle(site: Path) -> None:
    (site / "alphalib" / "__init__.py").write_text("depends_on = ['betalib']\n")
    stack = locating.stack([locating.root("beta", None).package], importing=None)
    assert [each.name for each in stack.packages] == ["alphalib", "betalib"]
    assert [type(finding) for finding in stack.findings] == [PackageRing]


def test_only_load_imports_and_only_what_is_not_literal(site: Path) -> None:
    (site / "betalib" / "__init__.py").write_text("depends_on = list(('alphalib',))\n")
    package = locating.root("beta", None).package
    looked_at = locating.stack([package], importing=None)
    assert [finding.code for finding in looked_at.findings] == ["dependencies-unknown"]
    assert "betalib" not in sys.modules
    try:
        loaded = locating.stack([package], importing="beta")
        assert ([each.name for each in loaded.packages], loaded.findings) == (["alphalib", "betalib"], ())
        assert ("betalib" in sys.modules, "alphalib" in sys.modules) == (True, False)
    finally:
        sys.modules.pop("betalib", None)
