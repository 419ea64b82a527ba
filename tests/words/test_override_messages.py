"""What is said of FINDLIBS2_LIB_<NAME>: the whole text."""

from __future__ import annotations

import os
from pathlib import Path

from tests import need
from tests.build.elf import library
from tests.words.said import said

pytestmark = need.glibc()


def test_an_override_that_does_not_exist(site: Path) -> None:
    assert said(site, "mir", env={"FINDLIBS2_LIB_MIR": "/gone/libmir.so"}) == (
        """RefusedError
mir cannot be loaded: FINDLIBS2_LIB_MIR names nothing that exists [override-missing]
    value   /gone/libmir.so
  fix: unset FINDLIBS2_LIB_MIR     # or set it to the library file"""
    )


def test_an_override_that_is_a_directory_without_the_library(site: Path) -> None:
    assert said(site, "mir", env={"FINDLIBS2_LIB_MIR": str(site)}) == (
        """RefusedError
mir cannot be loaded: FINDLIBS2_LIB_MIR is a directory without the library [override-missing]
    value   SITE
    looked for   libmir.so
  fix: unset FINDLIBS2_LIB_MIR     # or set it to the library file"""
    )


def test_an_override_that_holds_another_soname(site: Path) -> None:
    other = site / "other.so"
    other.write_bytes(library("libother.so.2"))
    assert said(site, "mir", env={"FINDLIBS2_LIB_MIR": str(other)}) == (
        """RefusedError
mir cannot be loaded: the library that FINDLIBS2_LIB_MIR names is not libmir.so [override-mismatch]
    file   SITE/other.so   carries the name libother.so.2
  fix: unset FINDLIBS2_LIB_MIR     # or set it to a library named libmir.so
  to try it nevertheless, at the risk of a crash: FINDLIBS2_VERIFY=off"""
    )


def test_a_damaged_override_is_not_blamed_on_the_wheel(site: Path) -> None:
    (site / "mine.so").write_bytes(b"")
    assert said(site, "mir", env={"FINDLIBS2_LIB_MIR": str(site / "mine.so")}) == (
        """RefusedError
mir cannot be loaded: mine.so is empty [bad-file]
    file   SITE/mine.so
    seen   0 bytes
  to try it nevertheless, at the risk of a crash: FINDLIBS2_VERIFY=off"""
    )


def test_an_override_of_a_dependency_that_holds_another_soname(site: Path) -> None:
    other = site / "other.so"
    other.write_bytes(library("libeckit.so.9"))
    assert said(site, "mir", env={"FINDLIBS2_LIB_ECKIT": str(other)}) == (
        """RefusedError
mir cannot be loaded: the library that FINDLIBS2_LIB_ECKIT names is not libeckit.so [override-mismatch]
    file   SITE/other.so   carries the name libeckit.so.9
    needed by   SITE/mirlib/lib64/libmir.so
  fix: unset FINDLIBS2_LIB_ECKIT     # or set it to a library named libeckit.so
  to try it nevertheless, at the risk of a crash: FINDLIBS2_VERIFY=off"""
    )


def test_nothing_is_said_about_a_variable_that_is_set_to_nothing(site: Path) -> None:
    assert said(site, "mir", env={"FINDLIBS2_LIB_MIR": ""}) == "loaded"
    assert os.environ.get("FINDLIBS2_LIB_MIR") is None
