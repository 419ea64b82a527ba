"""What a file demands of a process, read from what tests/build writes."""

from __future__ import annotations

import struct

import pytest

from findlibs2.formats import elf_demands
from findlibs2.formats.elf_demands import Demands
from tests.build import elf
from tests.build.elf import Segment
from tests.build.elf_symbols import library
from tests.unit.test_elf_symbols import SHAPES, F, window

STATIC_TLS = 0x10  # DF_STATIC_TLS


def read(content: bytes) -> Demands:
    return elf_demands.read(window(content))


def relocated(*rows: tuple[int, int], bits: int = 64, byteorder: str = "little", machine: int = 62) -> bytes:
    """A file with DF_STATIC_TLS and a DT_RELA of (symbol, type)."""
    order, word, shift = "<" if byteorder == "little" else ">", "Q" if bits == 64 else "I", 32 if bits == 64 else 8
    table = b"".join(struct.pack(f"{order}3{word}", 0, symbol << shift | kind, 0) for symbol, kind in rows)
    tables = {"DT_RELA": table, "DT_RELASZ": b"", "DT_FLAGS": b""}
    overrides: dict[str, int | None] = {"DT_RELASZ": len(table), "DT_FLAGS": STATIC_TLS}
    return library([F], bits=bits, byteorder=byteorder, machine=machine, tables=tables, overrides=overrides)


@pytest.mark.parametrize("stack", ["rw", "rwx", None])
def test_the_stack(stack: str | None) -> None:
    assert read(elf.library(stack=stack)) == Demands(stack)


@SHAPES
@pytest.mark.parametrize(("said", "align"), [(128, 128), (1, 1), (0, 1)])
def test_the_alignment_of_thread_local_variables(bits: int, byteorder: str, said: int, align: int) -> None:
    content = elf.library(bits=bits, byteorder=byteorder, segments=[Segment("PT_TLS", 4, p_memsz=8, p_align=said)])
    assert read(content) == Demands("rw", align)


class TestInitialExec:
    """R_<machine>_TPOFF and R_<machine>_TPREL of a file with DF_STATIC_TLS."""

    @pytest.mark.parametrize(
        ("machine", "bits", "byteorder", "kind"),
        [
            (62, 64, "little", 18), (3, 32, "little", 37), (183, 64, "little", 1030), (22, 64, "big", 56),
            (21, 64, "big", 73), (243, 64, "little", 11), (40, 32, "little", 19),
        ],
    )  # fmt: skip
    def test_of_every_machine(self, machine: int, bits: int, byteorder: str, kind: int) -> None:
        rows = [(0, kind), (3, kind), (5, kind - 1), (3, kind)]
        found = read(relocated(*rows, bits=bits, byteorder=byteorder, machine=machine))
        assert found == Demands("rw", static_tls=frozenset({0, 3}))

    def test_what_is_not_flagged_is_not_looked_at(self) -> None:
        content = library([F], tables={"DT_RELA": struct.pack("<3Q", 0, 18, 0), "DT_RELASZ": b""})
        assert read(content).static_tls == frozenset()

    def test_on_another_machine_it_cannot_be_told(self) -> None:
        assert read(relocated((0, 18), machine=252)).static_tls is None
