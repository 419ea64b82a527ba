"""Which symbols relocations refer to, of every word size and byte order."""

from __future__ import annotations

import struct

import pytest

from findlibs2.formats import elf_relocations
from findlibs2.formats.window import BadFile
from tests.build.elf_symbols import UND, Symbol, library
from tests.unit.test_elf_symbols import SHAPES, F, G, window


class TestReferences:
    """r_info >> 32, or >> 8; of DT_RELA, DT_REL and DT_JMPREL."""

    @SHAPES
    def test_the_numbers_in_r_info(self, bits: int, byteorder: str) -> None:
        content = library([G, Symbol("k", UND, 0), F], bits=bits, byteorder=byteorder)
        assert elf_relocations.references(window(content)) == frozenset({1, 2})

    def test_none_where_nothing_is_relocated(self) -> None:
        assert elf_relocations.references(window(library([F]))) == frozenset()

    @pytest.mark.parametrize("machine", [8, 10])
    def test_nobody_knows_on_mips(self, machine: int) -> None:
        assert elf_relocations.references(window(library([F], machine=machine))) is None

    @pytest.mark.parametrize(
        ("tag", "size", "kind", "words"),
        [("DT_REL", "DT_RELSZ", 0, 2), ("DT_JMPREL", "DT_PLTRELSZ", 7, 3), ("DT_JMPREL", "DT_PLTRELSZ", 17, 2)],
    )
    def test_every_table(self, tag: str, size: str, kind: int, words: int) -> None:
        # Read with another size, the offset 7 << 32 would become an r_info; and 8 refers to no symbol: it is relative.
        row = struct.pack("<QQQ", 7 << 32, 5 << 32 | 6, 0)[: 8 * words]
        row += struct.pack("<QQQ", 7 << 32, 8, 0)[: 8 * words]
        content = library(
            [F], tables={tag: row * 3, size: b"", "DT_PLTREL": b""}, overrides={size: 6 * 8 * words, "DT_PLTREL": kind}
        )
        assert elf_relocations.references(window(content)) == frozenset({5})

    @pytest.mark.parametrize("overrides", [{"DT_RELA": 1 << 40}, {"DT_RELASZ": 1 << 40}])
    def test_a_table_that_lies_outside(self, overrides: dict[str, int | None]) -> None:
        with pytest.raises(BadFile, match="DT_RELA lies outside of the file"):
            elf_relocations.references(window(library([G], overrides=overrides)))
