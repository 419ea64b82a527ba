"""Everything that is installed here: for each program and library below /usr, the loader lists what we predict."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from findlibs2 import files, host
from findlibs2.model import Binary
from tests import need
from tests.build import elf
from tests.oracle import listing
from tests.oracle.corpus import elf_files
from tests.oracle.listing import DIRECTORY, PATH, Listing, Row, Walk

pytestmark = [need.linux(), need.glibc()]

ROOT = "/usr"
Agree = Callable[..., Listing]
Link = Callable[[Path, Path], None]


def left_out(binary: Binary) -> str | None:
    """Why the loader of this process is not asked about a file; None: it is."""
    here = host.snapshot()
    if (binary.machine, binary.bits, binary.byteorder) != (here.machine, here.bits, here.byteorder):
        return "another machine"
    if binary.interpreter is None and binary.kind != "shared":
        return "static"
    return "another loader" if binary.interpreter not in (None, listing.interpreter()) else None


def binaries() -> Iterator[tuple[str, Binary]]:
    found = ((path, files.read(path)) for path in elf_files(ROOT))
    yield from ((path, file.binary) for path, file in found if file.binary is not None)


def test_everything_below_usr(capsys: pytest.CaptureFixture[str]) -> None:
    reasons = {path: left_out(binary) for path, binary in binaries()}
    asked = [path for path, reason in reasons.items() if reason is None]
    we = {path: Walk(path).listing() for path in asked}
    loader = listing.told(asked)
    assert {path: (we[path], loader.get(path)) for path in asked if we[path] != loader.get(path)} == {}
    assert len(asked) > 100
    with capsys.disabled():
        print(f"\n{ROOT}: {len(asked)} files agree; left out: {dict(Counter(filter(None, reasons.values())))}")
        rules = Counter(row.by or "not found" for each in we.values() for row in each.rows)
        print(f"what they need was found by: {dict(rules.most_common())}")


@pytest.fixture
def agree(tmp_path: Path) -> Agree:
    """Writes libraries that have their RPATH beside them, and compares the two lists of the one that is called top."""

    def ask(**libraries: list[str]) -> Listing:
        for name, needed in libraries.items():
            write(tmp_path / f"{name}.so", needed)
        top = str(tmp_path / "top.so")
        we = Walk(top).listing()
        assert listing.told([top]) == {top: we}
        return Listing(tuple(row._replace(path=relative(row.path, tmp_path)) for row in we.rows), we.refused)

    return ask


def write(path: Path, needed: list[str] | None = None, soname: str | None = None) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(elf.library(soname or path.name, needed or [], rpath="$ORIGIN"))


class TestOrder:
    """elf/dl-deps.c, _dl_map_object_deps."""

    def test_breadth_first(self, agree: Agree) -> None:
        rows = tuple(Row(name, name, DIRECTORY) for name in ("a.so", "b.so", "c.so"))
        assert agree(top=["a.so", "b.so"], a=["c.so"], b=["a.so"], c=["top.so"]) == Listing(rows)

    def test_what_is_nowhere_is_listed_each_time_that_it_is_wanted(self, agree: Agree) -> None:
        rows = (Row("low.so", "low.so", DIRECTORY), Row("absent.so", None, None), Row("absent.so", None, None))
        assert agree(top=["low.so", "absent.so"], low=["absent.so"]) == Listing(rows)

    def test_what_is_no_library_ends_it(self, agree: Agree, tmp_path: Path) -> None:
        (tmp_path / "low.so").write_text("no library, and longer than the header of one, so that it is read" * 2)
        assert agree(top=["low.so"]) == Listing((), refused=True)


class TestNames:
    """elf/dl-load.c, _dl_map_object: "If the requested name matches the soname of a loaded object, use that object." """

    def test_a_soname_satisfies(self, agree: Agree, tmp_path: Path) -> None:
        write(tmp_path / "low.so", soname="low.so.9")
        assert agree(top=["low.so", "low.so.9"]) == Listing((Row("low.so", "low.so", DIRECTORY),))

    def test_the_name_of_a_file_does_not(self, agree: Agree, tmp_path: Path) -> None:
        write(tmp_path / "x" / "low.so", soname="low.so.9")
        rows = (Row(f"{tmp_path}/x/low.so", "x/low.so", PATH), Row("low.so", "low.so", DIRECTORY))
        assert agree(top=["$ORIGIN/x/low.so", "low.so"], low=[]) == Listing(rows)

    @pytest.mark.parametrize("link", [os.symlink, os.link])
    def test_a_second_name_of_a_file_is_the_same_object(self, agree: Agree, tmp_path: Path, link: Link) -> None:
        write(tmp_path / "low.so")
        link(tmp_path / "low.so", tmp_path / "other.so")
        assert agree(top=["low.so", "other.so"]) == Listing((Row("low.so", "low.so", DIRECTORY),))

    def test_a_copy_is_another_one(self, agree: Agree, tmp_path: Path) -> None:
        write(tmp_path / "low.so")
        shutil.copy(tmp_path / "low.so", tmp_path / "other.so")
        rows = tuple(Row(name, name, DIRECTORY) for name in ("low.so", "other.so"))
        assert agree(top=["low.so", "other.so"]) == Listing(rows)


def relative(path: str | None, here: Path) -> str | None:
    return path.replace(f"{here}/", "") if path is not None else None
