"""What the ELF reader says of files of which everything is known, because they were written here."""

from __future__ import annotations

import pytest

from findlibs2.formats import elf
from findlibs2.formats.elf_image import Dynamic, Image, Segments, strings
from findlibs2.formats.window import BadFile, Window
from findlibs2.model import Binary, Needed
from tests.build.elf import library
from tests.build.elf_damage import DAMAGE, HARMLESS, Damage


def read(content: bytes) -> Binary:
    return elf.read(Window("libx.so", len(content), lambda count, offset: content[offset : offset + count]))


def test_every_fact_of_a_library() -> None:
    content = library(
        "libx.so.1", ["liba.so.2", "libb.so"], rpath="$ORIGIN/../lib", runpath="/opt/lib", tls=16, flags=0x18,
        flags_1=0x801, interpreter="/lib64/ld.so", stack="rwx", tail=b"tail", overrides={"e_shoff": 10000, "e_shnum": 2,
        "e_shentsize": 64},
    )  # fmt: skip
    assert read(content) == Binary(
        path="libx.so",
        format="elf",
        machine="x86_64",
        bits=64,
        byteorder="little",
        kind="shared",
        name="libx.so.1",
        needed=(Needed("liba.so.2"), Needed("libb.so")),
        rpath="$ORIGIN/../lib",
        runpath="/opt/lib",
        flags=frozenset({"BIND_NOW", "STATIC_TLS", "NOW", "NODEFLIB"}),
        interpreter="/lib64/ld.so",
        stack="rwx",
        tls_size=16,
        loaded_end=len(content) - 4,
        missing_tail=10000 + 128 - len(content),
    )


def test_what_a_library_does_not_say_is_none() -> None:
    content = library(stack=None)
    assert read(content) == Binary(
        "libx.so", "elf", "x86_64", 64, "little", "shared", loaded_end=len(content), missing_tail=0
    )


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_word_size_and_byte_order_change_no_other_fact(bits: int, byteorder: str) -> None:
    facts = {"rpath": "/a", "flags_1": 1, "tls": 8, "interpreter": "/ld.so"}
    one = read(library("l", ["n"], bits=bits, byteorder=byteorder, machine=40, **facts))  # type: ignore[arg-type]
    other = read(library("l", ["n"], machine=40, **facts))  # type: ignore[arg-type]
    assert one == other.replace(bits=bits, byteorder=byteorder, loaded_end=one.loaded_end)


MACHINES = [
    (62, 64, "little", "x86_64"), (62, 32, "little", "x86_64"), (3, 32, "little", "i686"),
    (183, 64, "little", "aarch64"), (183, 64, "big", "aarch64"), (40, 32, "little", "arm"),
    (21, 64, "little", "ppc64le"), (21, 64, "big", "ppc64"), (20, 32, "big", "ppc"), (22, 64, "big", "s390x"),
    (22, 32, "big", "s390"), (243, 64, "little", "riscv64"), (243, 32, "little", "riscv32"),
    (258, 64, "little", "loongarch64"), (8, 64, "little", "mips64el"), (8, 32, "big", "mips"),
    (0xBEEF, 64, "little", "em-48879"),
]  # fmt: skip


@pytest.mark.parametrize(("number", "bits", "byteorder", "name"), MACHINES)
def test_a_machine_is_spelled_as_uname_spells_it(number: int, bits: int, byteorder: str, name: str) -> None:
    assert read(library(bits=bits, byteorder=byteorder, machine=number)).machine == name


@pytest.mark.parametrize("kind", ["relocatable", "core"])
def test_what_is_not_loaded_is_not_looked_into(kind: str) -> None:
    content = library("libx.so", kind=kind, overrides={"PT_LOAD.p_filesz": 1 << 40})
    assert read(content) == Binary("libx.so", "elf", "x86_64", 64, "little", kind)


def test_other_types_of_file_are_other() -> None:
    assert read(library(overrides={"e_type": 0xFE00})).kind == "other"


def test_a_static_program_needs_no_dynamic_section() -> None:
    content = library(kind="executable", overrides={"PT_DYNAMIC": None})
    assert read(content) == Binary(
        "libx.so", "elf", "x86_64", 64, "little", "executable", stack="rw", loaded_end=len(content)
    )


def test_a_name_that_is_no_utf8_survives_as_the_file_system_spells_it() -> None:
    assert read(library(b"lib\xff.so")).name == "lib\udcff.so"


def test_of_two_equal_tags_the_later_one_counts() -> None:
    # elf/get-dynamic-info.h: info[dyn->d_tag] = dyn, for each in turn. The first string of all is at 1.
    assert read(library("libx.so", ["liba.so"], tags=[("DT_SONAME", 1)])).name == "liba.so"


@pytest.mark.parametrize(
    ("tag", "flag"), [("DT_SYMBOLIC", "SYMBOLIC"), ("DT_TEXTREL", "TEXTREL"), ("DT_BIND_NOW", "BIND_NOW")]
)
def test_tags_that_a_flag_supersedes_are_that_flag(tag: str, flag: str) -> None:
    assert read(library(tags=[(tag, 0)])).flags == {flag}


def test_an_interpreter_that_is_not_in_the_file_is_none() -> None:
    # Only the kernel reads it, of a program: a library opens all the same.
    assert read(library(interpreter="/ld.so", overrides={"PT_INTERP.p_offset": 1 << 50})).interpreter is None


def test_strings_far_from_each_other_are_read_separately() -> None:
    far = "n" * 100_000
    content = library("libx.so", ["liba.so", far, "libb.so"], runpath="/" * 70_000)
    asked: list[int] = []

    def pread(count: int, offset: int) -> bytes:
        asked.append(count)
        return content[offset : offset + count]

    found = elf.read(Window("libx.so", len(content), pread))
    assert [needed.name for needed in found.needed] == ["liba.so", far, "libb.so"]
    assert (found.runpath, found.name) == ("/" * 70_000, "libx.so")
    assert max(asked) < 300_000  # the pieces double until the string ends


def test_a_common_library_takes_three_reads() -> None:
    content = library("libx.so", [f"lib{number}.so.{number}" for number in range(300)])
    asked: list[int] = []

    def pread(count: int, offset: int) -> bytes:
        asked.append(count)
        return content[offset : offset + count]

    assert len(elf.read(Window("libx.so", len(content), pread)).needed) == 300
    assert len(asked) == 3


def _name(content: bytes, memsz: int) -> str:
    """The name at 1 of a file that is one string table, mapped at 0."""
    image = Image(Segments([(1, 4, 0, 0, 0, len(content), memsz, 0x1000)], 64, 56), len(content), 1 << 64)
    window = Window("f", len(content), lambda count, offset: content[offset : offset + count])
    return strings(window, image, Dynamic((5, 14), (0, 1), 0, "<Q"))[1]


def test_a_name_may_end_where_zeros_begin() -> None:
    assert _name(b"\0libx.so", 8) == "libx.so"  # the rest of the last page
    assert _name(bytes(1) + b"x" * 4095, 4097) == "x" * 4095  # memory that no byte of the file fills


def test_a_name_without_an_end_is_damage() -> None:
    with pytest.raises(BadFile, match="a string of DT_STRTAB has no end in 4095 bytes"):
        _name(bytes(1) + b"x" * 4095, 4096)


def test_a_dynamic_section_may_end_with_its_segment_if_zeros_follow() -> None:
    content = library("libx.so", overrides={"DT_NULL": None, "PT_LOAD.p_memsz": 0x2000})
    assert read(content.rstrip(b"\0") + bytes(64)).name == "libx.so"


def test_the_length_of_pt_dynamic_is_not_believed() -> None:
    assert [read(library("libx.so", overrides={"PT_DYNAMIC.p_filesz": size})).name for size in (1, 16, 1 << 60)] == [
        "libx.so"
    ] * 3


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.name)
def test_damage_is_refused_in_words(damage: Damage) -> None:
    with pytest.raises(BadFile) as bad:
        read(damage.content)
    assert (bad.value.code, bad.value.what[: len(damage.says)]) == ("damaged", damage.says)


@pytest.mark.parametrize("content", HARMLESS.values(), ids=HARMLESS)
def test_what_no_loader_looks_at_is_not_refused(content: bytes) -> None:
    assert read(content).kind == "shared"


def test_bad_files_say_where() -> None:
    content = library(tags=[("DT_INIT", 1 << 20)])
    with pytest.raises(BadFile) as bad:
        read(content)
    assert bad.value.offset == len(content) - 32  # the last entry before DT_NULL


@pytest.mark.parametrize("size", range(0, len(library("libx.so", ["liba.so"])), 8))
def test_a_file_cut_anywhere_below_its_segments_is_refused(size: int) -> None:
    with pytest.raises(BadFile):
        read(library("libx.so", ["liba.so"])[:size])


def test_a_file_cut_above_its_segments_says_what_is_missing() -> None:
    wrong = {"e_shoff": 4096, "e_shentsize": 64, "e_shnum": 30}
    content = library("libx.so", tail=bytes(1000), overrides=wrong)
    found = read(content[:-500])
    assert (found.loaded_end, found.missing_tail) == (len(content) - 1000, 4096 + 64 * 30 - len(content) + 500)
