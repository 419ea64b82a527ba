"""readelf reads the same from every ELF file that is here: below /usr/lib, of the running Python, and of the wheels.

ELF_CORPUS=<directory> in the environment adds another one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from findlibs2 import files
from findlibs2.model import Binary
from tests import need
from tests.build import elf
from tests.oracle import readelf
from tests.oracle.corpus import corpus
from tests.oracle.readelf import Linked
from tests.oracle.symbol_rows import in_order, ours, wanted

pytestmark = [need.linux(), need.tool("readelf")]

KINDS = ["wheels", "interpreter", "system", "given"]


def as_linked(binary: Binary) -> Linked:
    needed = tuple(needed.name for needed in binary.needed)
    return Linked(binary.name, needed, binary.rpath, binary.runpath, binary.flags)


@pytest.mark.parametrize("of", KINDS)
def test_the_dynamic_section(of: str) -> None:
    told = readelf.linked(corpus(of))
    we = {path: files.read(path) for path in corpus(of)}
    assert {path: file.problem for path, file in we.items() if file.problem} == {}
    assert {path: as_linked(file.binary) for path, file in we.items() if file.binary} == told


@pytest.mark.parametrize("of", KINDS)
def test_symbols_and_versions(of: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing undefined is left out of `imports`, which looks no further than where the hash table leads to."""
    differing, counts = [], []
    for path, told in readelf.symbols(corpus(of)):
        said = in_order(told)
        undefined = sorted((each.name, each.binding == 2) for each in said.symbols if not each.section and each.binding)
        counts.append(len(said.symbols))
        if (in_order(ours(path)), wanted(path)) != (said, undefined):
            differing.append(path)
    assert (differing, len(counts)) == ([], len(corpus(of)))
    if not counts:  # nothing was given
        return
    with capsys.disabled():
        print(f"\nreadelf, {of}: {len(counts)} files and {sum(counts)} symbols agree")


@pytest.mark.parametrize(("flags", "flags_1"), [(0, 0), (0x1F, 0), (0, 0x7FFFFFFF)])
def test_what_is_rare_in_a_dynamic_section(tmp_path: Path, flags: int, flags_1: int) -> None:
    """All flags of gABI's DT_FLAGS and of DT_FLAGS_1 that have names; both kinds of search path; no SONAME."""
    path = tmp_path / "rare.so"
    path.write_bytes(
        elf.library(None, ["b.so", "a.so", "b.so"], rpath="", runpath="$ORIGIN:x", flags=flags, flags_1=flags_1)
    )
    binary = files.read(str(path)).binary
    assert binary is not None
    assert {str(path): as_linked(binary)} == readelf.linked([str(path)])
