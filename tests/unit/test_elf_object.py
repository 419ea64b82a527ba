"""What is generated says what was asked for, to our own reader and to two others, for every machine."""

from __future__ import annotations

import io
import os
import re
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from findlibs2.formats import elf, elf_image, elf_object
from findlibs2.formats.window import Window
from findlibs2.model import Binary, Needed
from tests import need

SHAPES = [(bits, order) for bits in (32, 64) for order in ("little", "big")]
# Each name of a machine, with every word size and byte order with which it is spelled so.
EVERY = sorted({(elf_image.machine(n, *shape), *shape) for n in elf_image.MACHINES for shape in SHAPES})
EACH = pytest.mark.parametrize(("machine", "bits", "byteorder"), EVERY)
# elf.h, written out here
NUMBERS = {
    ("x86_64", 64, "little"): 62, ("x86_64", 32, "little"): 62, ("i686", 32, "little"): 3,
    ("aarch64", 64, "little"): 183, ("arm", 32, "little"): 40, ("ppc64le", 64, "little"): 21, ("ppc64", 64, "big"): 21,
    ("s390x", 64, "big"): 22, ("s390", 32, "big"): 22, ("riscv64", 64, "little"): 243, ("riscv32", 32, "little"): 243,
    ("loongarch64", 64, "little"): 258, ("mips64el", 64, "little"): 8, ("mips", 32, "big"): 8, ("sparc64", 64, "big"): 43,
    ("em-4711", 64, "little"): 4711,
}  # fmt: skip

NEEDED = ("/site/mirlib/lib64/libmir.so", "libeckit.so", "/a b/lib\udcff.so", "/ü/$libx.so")
PATHS = {"soname": "libscope.so.1", "runpath": "/opt/lib:$ORIGIN", "rpath": "/usr/local/lib"}
LONG = [f"/{'d' * 200}/{number}/lib{'n' * 40}.so" for number in range(5000)]


def generate(machine: str, bits: int, byteorder: str, needed: Sequence[str] = NEEDED) -> bytes:
    return elf_object.generate(machine, bits, byteorder, needed, **PATHS)  # type: ignore[arg-type]


def read(content: bytes) -> Binary:
    return elf.read(Window("scope", len(content), lambda count, offset: content[offset : offset + count]))


@EACH
def test_our_reader_finds_what_was_asked_for_and_nothing_else(machine: str, bits: int, byteorder: str) -> None:
    content = generate(machine, bits, byteorder)
    assert read(content) == Binary(
        path="scope",
        format="elf",
        machine=machine,
        bits=bits,
        byteorder=byteorder,
        kind="shared",
        name="libscope.so.1",
        needed=tuple(map(Needed, NEEDED)),
        rpath="/usr/local/lib",
        runpath="/opt/lib:$ORIGIN",
        stack="rw",
        loaded_end=len(content),
    )


def test_what_was_not_asked_for_is_not_said() -> None:
    content = elf_object.generate("x86_64", 64, "little", [])
    assert read(content) == Binary(
        "scope", "elf", "x86_64", 64, "little", "shared", stack="rw", loaded_end=len(content)
    )


@need.module("elftools")
@EACH
def test_pyelftools_reads_the_same(machine: str, bits: int, byteorder: str) -> None:
    from elftools.elf.elffile import ELFFile

    needed = [name for name in NEEDED if name.isprintable()]  # it decodes all text as UTF-8, or fails
    file = ELFFile(io.BytesIO(generate(machine, bits, byteorder, needed)))
    segments: dict[str, Any] = {segment["p_type"]: segment for segment in file.iter_segments()}
    tags = [(tag.entry.d_tag, tag.entry.d_val) for tag in segments["PT_DYNAMIC"].iter_tags()]
    texts = [getattr(tag, tag.entry.d_tag[3:].lower(), None) for tag in segments["PT_DYNAMIC"].iter_tags()]
    assert (file.elfclass, file.little_endian, file["e_type"]) == (bits, byteorder == "little", "ET_DYN")
    assert [text for text in texts if text] == [*needed, *in_order(PATHS)]
    assert sorted(segments) == ["PT_DYNAMIC", "PT_GNU_STACK", "PT_LOAD"]
    assert {segment["p_flags"] for segment in segments.values()} == {6}  # PF_R | PF_W: nothing is executable
    assert [name for name, _ in tags][-6:] == [
        "DT_GNU_HASH", "DT_SYMTAB", "DT_SYMENT", "DT_STRTAB", "DT_STRSZ", "DT_NULL",
    ]  # fmt: skip


def in_order(paths: dict[str, str]) -> list[str]:
    return [paths[name] for name in ("soname", "rpath", "runpath")]


@need.tool("readelf")
def test_readelf_reads_the_same_and_complains_of_nothing(tmp_path: Path) -> None:
    for machine, bits, byteorder in EVERY:
        (tmp_path / f"{machine}-{bits}-{byteorder}").write_bytes(generate(machine, bits, byteorder))
    files = sorted(tmp_path.iterdir())
    command = ["readelf", "--wide", "--file-header", "--segments", "--dynamic", *map(str, files)]
    done = subprocess.run(command, capture_output=True, env={**os.environ, "LC_ALL": "C"}, check=True)
    said = [re.findall(rb"\[(.*)\]", part) for part in done.stdout.split(b"\nFile: ")[1:]]
    # It writes bytes that are no text of its locale in a form of its own.
    plain = [os.fsencode(text) for text in (*NEEDED[:2], *in_order(PATHS))]
    assert ([[text for text in each if text in plain] for each in said], done.stderr) == ([plain] * len(files), b"")


@pytest.mark.parametrize(("machine", "bits", "byteorder"), NUMBERS)
def test_a_machine_has_the_number_of_elf_h(machine: str, bits: int, byteorder: str) -> None:
    content = generate(machine, bits, byteorder)
    number = struct.unpack_from("<H" if byteorder == "little" else ">H", content, 18)
    assert number == (NUMBERS[machine, bits, byteorder],)


@pytest.mark.parametrize("machine", ["", "vax", "em-", "em-x", "ppc64le"])
def test_what_is_no_machine_of_this_shape_is_refused(machine: str) -> None:
    with pytest.raises(ValueError, match="has no number"):
        elf_object.generate(machine, 64, "big", [])


@pytest.mark.parametrize("text", ["", "lib\0x.so"])
def test_what_no_table_can_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no name for a library"):
        elf_object.generate("x86_64", 64, "little", ["libx.so", text])


def test_thousands_of_long_names_are_all_there_in_order() -> None:
    assert [each.name for each in read(generate("x86_64", 64, "little", LONG)).needed] == LONG


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_the_flags_that_a_loader_compares_are_those_of_another_file(bits: int, byteorder: str) -> None:
    """RISC-V: 5 is EF_RISCV_RVC | EF_RISCV_FLOAT_ABI_DOUBLE."""
    machine = f"riscv{bits}"
    content = elf_object.generate(machine, bits, byteorder, [], flags=5)
    assert elf_object.e_flags(content[:64], byteorder) == 5


@pytest.mark.parametrize(
    "head", [b"", b"\x7fELF", b"\x7fELF\x02\x01\x01", b"\x7fELF\x07" + bytes(60), b"MZ" + bytes(62)]
)
def test_what_is_no_elf_file_has_no_flags(head: bytes) -> None:
    assert elf_object.e_flags(head, "little") == 0


@pytest.mark.parametrize(
    ("machine", "align"), [("x86_64", 0x1000), ("aarch64", 0x10000), ("ppc64le", 0x10000), ("s390x", 0x1000)]
)
def test_the_alignment_is_the_largest_page_that_the_machine_may_have(machine: str, align: int) -> None:
    byteorder = "big" if machine == "s390x" else "little"
    (found,) = struct.unpack_from(
        ("<" if byteorder == "little" else ">") + "Q", generate(machine, 64, byteorder), 64 + 48
    )
    assert found == align


@pytest.mark.parametrize("name", ["/$ORIGIN/x", "/a${LIB}/x", "$PLATFORM", "/$LIBRARY/x"])
def test_what_may_be_a_token_is_one(name: str) -> None:
    assert elf_object.has_token(name)


@pytest.mark.parametrize("name", ["/ORIGIN/x", "/$/x", "/$HOME/LIB", "/$origin/x", "/${/x"])
def test_what_no_loader_expands_is_none(name: str) -> None:
    assert not elf_object.has_token(name)
