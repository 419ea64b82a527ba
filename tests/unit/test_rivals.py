"""Files of one SONAME in several packages of a stack. One without versions supplies any (glibc, do_lookup_x)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from findlibs2 import files, rivals
from findlibs2.findings import MissingSymbols, MissingVersion
from findlibs2.model import Finding, Package, Plan, Step
from findlibs2.notes import SeveralProviders
from tests import need
from tests.build.elf_symbols import Symbol, library

pytestmark = need.linux()

TAKEN = library([Symbol("f")], "libz.so.1")
OTHER = library([Symbol("g")], "libz.so.1")
VERSIONED = library([Symbol("g", version=2)], "libz.so.1", defines=["libz.so.1", "V1"])


def package(site: Path, name: str, **content: bytes) -> Package:
    """A wrapper whose libraries lie in two directories; of a file name `__` is a dot."""
    places = site / name / "lib64", site / f"{name}.software.libs"
    for place in places:
        place.mkdir(parents=True)
    for file, written in content.items():
        (places[1] / file.replace("__", ".")).write_bytes(written)
    return Package(name, (), libraries=tuple(map(str, places)))


def told(*packages: Package, findings: Iterable[Finding] = (), owner: str | None = "one") -> list[SeveralProviders]:
    """Of a plan that takes libz.so.1 of the first package."""
    path = f"{packages[0].libraries[1]}/libz.so.1"
    steps = (Step(path, files.read(path), owner, ()),)
    return rivals.judge(Plan((), (), steps, packages=packages), findings)


def said(*others: Package, missed: tuple[str, ...] = (), one: Package) -> list[SeveralProviders]:
    taken, *left = (f"{each.libraries[1]}/libz.so.1" for each in (one, *others))
    return [SeveralProviders("libz.so.1", taken, tuple(left), missed)]


def test_files_of_other_packages_with_other_content_are_rivals(tmp_path: Path) -> None:
    one = package(tmp_path, "one", libz__so__1=TAKEN, libz__so=OTHER)  # its own: copies-differ
    two, three = (package(tmp_path, name, libz__so__1=OTHER) for name in ("two", "three"))
    assert told(one, two, three) == said(two, three, one=one)


@pytest.mark.parametrize(
    "content",
    [
        {"libz__so__1": TAKEN},
        {"libz__so__1": library([], "libz.so.2")},
        {"libz__so__1": library([], "libz.so.1", machine=183)},
        {"libz__so__1": b"GROUP ( libz.so.1 )"},
        {"libzz__so__1": OTHER},
        {"readme": OTHER},
    ],
)
def test_no_rival_is(tmp_path: Path, content: dict[str, bytes]) -> None:
    """The same content, another name inside, another machine, no library, another family of file names."""
    assert told(package(tmp_path, "one", libz__so__1=TAKEN), package(tmp_path, "two", **content)) == []


def test_what_is_taken_from_the_system_or_by_override_has_no_rivals(tmp_path: Path) -> None:
    packages = package(tmp_path, "one", libz__so__1=TAKEN), package(tmp_path, "two", libz__so__1=OTHER)
    assert told(*packages, owner=None) == []


@pytest.mark.parametrize(
    ("content", "missed"), [(OTHER, ("g", "g@V1")), (VERSIONED, ("g", "g@V1", "V1")), (library([], "libz.so.1"), ())]
)
def test_what_a_rival_has_of_what_is_missing(tmp_path: Path, content: bytes, missed: tuple[str, ...]) -> None:
    one, two = package(tmp_path, "one", libz__so__1=TAKEN), package(tmp_path, "two", libz__so__1=content)
    findings = MissingSymbols("/a.so", ("g", "g@V1", "h")), MissingVersion("/a.so", "V1", "libz.so.1", "/b.so")
    assert told(one, two, findings=findings) == said(two, missed=missed, one=one)
