"""Wheels for aarch64, judged on any machine; pyelftools computes the same sets of what is expected of whom."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests import need
from tests.symcheck import published
from tests.symcheck.asked import check, facts

pytestmark = [*published.needs(), need.module("elftools")]
UNVERSIONED = {"libz.so.1"}  # some of its symbols have no version, so a file does not say whose they are


def files() -> Iterator[Any]:
    """Every library of the wheels, as pyelftools sees it."""
    from elftools.elf.elffile import ELFFile

    for wheel in published.of_aarch64():
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if ".so" in Path(name).name:
                    yield ELFFile(io.BytesIO(archive.read(name)))


def wanted(elf: Any) -> Iterator[tuple[str, str, str]]:
    """File, version and symbol, of each reference with a version."""
    needs, numbers = elf.get_section_by_name(".gnu.version_r"), elf.get_section_by_name(".gnu.version")
    versions = {
        aux["vna_other"]: (need.name, aux.name)
        for need, auxes in (needs.iter_versions() if needs else ())
        for aux in auxes
    }
    for number, symbol in enumerate(elf.get_section_by_name(".dynsym").iter_symbols()):
        if symbol["st_shndx"] == "SHN_UNDEF" and symbol["st_info"]["bind"] == "STB_GLOBAL" and symbol.name:
            index = numbers.get_symbol(number)["ndx"] if numbers else 0
            if index in versions:
                yield (*versions[index], symbol.name)


def test_of_whom_what_is_expected_agrees_with_pyelftools() -> None:
    theirs: dict[str, set[str]] = {}
    given = set()
    for elf in files():
        given |= {tag.soname for tag in elf.get_section_by_name(".dynamic").iter_tags() if hasattr(tag, "soname")}
        for file, _, symbol in wanted(elf):
            theirs.setdefault(file, set()).add(symbol)
    (machine,) = facts(*published.of_aarch64())["machines"]
    ours = {each["name"]: each["symbols"] for each in machine["not_given"] if each["name"] not in UNVERSIONED}
    assert ours == {file: len(names) for file, names in theirs.items() if file not in given and file not in UNVERSIONED}


def test_nothing_is_missing_in_the_wheels_of_one_release() -> None:
    said = check(*published.of_aarch64())
    assert (said.status, said.out.splitlines()[0]) == (0, "aarch64, 64-bit, little-endian: 44 libraries")
