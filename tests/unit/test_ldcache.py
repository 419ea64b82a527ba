"""The cache of ldconfig(8), as bytes that were made up: sysdeps/generic/dl-cache.h."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from findlibs2.loaders import ldcache
from findlibs2.model import CacheEntry

X86_64, X32, I386, AARCH64, LIBC5 = 0x0303, 0x0803, 0x0003, 0x0A03, 0x0002
EXTENSION = 1 << 62
OLD_MAGIC, NEW_MAGIC = b"ld.so-1.7.0\0", b"glibc-ld.so.cache1.1"


class Line(NamedTuple):
    name: str
    path: str
    flags: int = X86_64
    hwcap: int = 0


def new(lines: Sequence[Line], *, levels: Sequence[str] = (), order: str = "<", endian: int = 2) -> bytes:
    """A cache in the new format, with the lines as they are given."""
    size = 48 + 24 * len(lines)
    strings, entries = b"", b""
    for line in lines:
        key = size + len(strings)
        strings += line.name.encode() + b"\0"
        value = size + len(strings)
        strings += line.path.encode() + b"\0"
        entries += struct.pack(order + "iIIIQ", line.flags, key, value, 0, line.hwcap)
    named = []
    for level in levels:
        named.append(size + len(strings))
        strings += level.encode() + b"\0"
    strings += bytes(-(size + len(strings)) % 4)
    extension = size + len(strings) if levels else 0
    header = NEW_MAGIC + struct.pack(order + "IIB3xI12x", len(lines), len(strings), endian, extension)
    if not levels:
        return header + entries + strings
    directory = struct.pack(order + "II", -358342284 & 0xFFFFFFFF, 1)
    section = struct.pack(order + "4I", 1, 0, extension + 24, 4 * len(named))
    return header + entries + strings + directory + section + struct.pack(f"{order}{len(named)}I", *named)


def old(lines: Sequence[Line], strings_of: bytes = b"") -> bytes:
    """In the old format; `strings_of`: what stands at the beginning of the string table."""
    entries, strings = b"", strings_of
    for line in lines:
        key = len(strings)
        strings += line.name.encode() + b"\0"
        value = len(strings)
        strings += line.path.encode() + b"\0"
        entries += struct.pack("<iII", line.flags, key, value)
    return OLD_MAGIC + struct.pack("<I", len(lines)) + entries + strings


# Sorted as ldconfig sorts: downwards.
SOME = (Line("libz.so.1", "/z1"), Line("libm.so.10", "/m10"), Line("libm.so.6", "/m6"), Line("liba.so", "/a"))


def paths(content: bytes, name: str, machine: str = "x86_64", bits: int = 64, byteorder: str = "little") -> list[str]:
    return [entry.path for entry in ldcache.lookup(content, name, machine, bits, byteorder)]


class TestFormats:
    @pytest.mark.parametrize("line", SOME, ids=lambda line: line.name)
    def test_every_name_is_found(self, line: Line) -> None:
        assert ldcache.lookup(new(SOME), line.name, "x86_64", 64) == (CacheEntry(line.name, line.path),)

    def test_a_name_that_is_not_there_is_not_found(self) -> None:
        assert paths(new(SOME), "libm.so.7") == []

    def test_the_old_format_alone(self) -> None:
        """Its strings count from the end of its entries."""
        lines = [line._replace(flags=I386) for line in SOME]
        assert paths(old(lines), "libm.so.6", "i686", 32) == ["/m6"]

    @pytest.mark.parametrize("before", range(4))
    def test_the_new_format_inside_the_old_one(self, before: int) -> None:
        """ "The beginning of the string table is used for the new table": aligned, and its strings count from it."""
        first = [Line("libold.so", "/old", I386)] * before
        padding = -(16 + 12 * before) % 8
        content = old(first, bytes(padding) + new(SOME))
        assert (paths(content, "libm.so.6"), paths(content, "libold.so", "i686", 32)) == (["/m6"], [])

    def test_big_endian(self) -> None:
        lines = [line._replace(flags=0x0403) for line in SOME]
        content = new(lines, order=">", endian=3)
        assert paths(content, "libm.so.6", "s390x", 64, "big") == ["/m6"]

    @pytest.mark.parametrize(("endian", "found"), [(0, ["/m6"]), (1, []), (2, ["/m6"]), (3, [])])
    def test_a_cache_for_the_other_byte_order_is_none(self, endian: int, found: list[str]) -> None:
        """cache_file_new_matches_endian: "A zero value [...] means that no endianness information is available"."""
        assert paths(new(SOME, endian=endian), "libm.so.6") == found

    def test_all_entries_in_the_order_of_the_file(self) -> None:
        lines = (*SOME, Line("liba.so", "/a32", I386))
        assert [(noted.entry.path, noted.flags) for noted in ldcache.entries(new(lines))] == [
            ("/z1", X86_64), ("/m10", X86_64), ("/m6", X86_64), ("/a", X86_64), ("/a32", I386),
        ]  # fmt: skip


class TestMachines:
    """sysdeps/unix/sysv/linux/*/dl-cache.h, _dl_cache_check_flags."""

    LINES = tuple(Line("liba.so", f"/{flags:x}", flags) for flags in (AARCH64, X32, X86_64, I386, LIBC5, 1))

    @pytest.mark.parametrize(
        ("machine", "bits", "found"),
        [
            ("x86_64", 64, ["/303"]),
            ("x86_64", 32, ["/803"]),
            ("i686", 32, ["/3", "/1"]),
            ("aarch64", 64, ["/a03"]),
            ("s390x", 64, []),
        ],
    )
    def test_an_entry_is_for_one_kind_of_program(self, machine: str, bits: int, found: list[str]) -> None:
        assert paths(new(self.LINES), "liba.so", machine, bits) == found

    def test_the_loaders_own_kind_is_better_than_plain_elf(self) -> None:
        """ "A better match is also possible if the flags of the current entry do not match the expected" ones."""
        lines = (Line("liba.so", "/elf", 1), Line("liba.so", "/libc6", I386))
        assert paths(new(lines), "liba.so", "i686", 32) == ["/libc6", "/elf"]

    # sysdeps/generic/ldconfig.h, FLAG_..., and FLAG_ELF_LIBC6, which is 3; by the dl-cache.h of each.
    OTHERS = (
        ("ppc64", 64, 0x0503), ("ppc64le", 64, 0x0503), ("s390x", 64, 0x0403), ("sparc64", 64, 0x0103),
        ("arm", 32, 0x0903), ("arm", 32, 0x0B03), ("arm", 32, 0x0003), ("riscv64", 64, 0x0F03),
        ("riscv64", 64, 0x1003), ("loongarch64", 64, 0x1103), ("loongarch64", 64, 0x1203), ("mips", 32, 0x0003),
        ("mips", 32, 0x0C03), ("mips64", 64, 0x0703), ("mips64", 64, 0x0E03), ("mips64", 32, 0x0603),
        ("mips64", 32, 0x0D03),
    )  # fmt: skip

    @pytest.mark.parametrize(("machine", "bits", "flags"), OTHERS)
    def test_of_other_machines(self, machine: str, bits: int, flags: int) -> None:
        lines = (Line("liba.so", "/mine", flags), Line("liba.so", "/other", X86_64))
        assert paths(new(lines), "liba.so", machine, bits) == ["/mine"]


class TestNeighbours:
    """ "There might be entries with this name before the one we found. So we have to find the beginning." """

    @pytest.mark.parametrize("before", range(5))
    @pytest.mark.parametrize("count", range(1, 5))
    @pytest.mark.parametrize("behind", range(5))
    def test_all_of_one_name_are_found_and_no_others(self, before: int, count: int, behind: int) -> None:
        lines = (
            *(Line(f"libz{number}.so", "/z") for number in reversed(range(before))),
            *(Line("libm.so", f"/m{number}") for number in range(count)),
            *(Line(f"liba{number}.so", "/a") for number in reversed(range(behind))),
        )
        assert paths(new(lines), "libm.so") == [f"/m{number}" for number in range(count)]


class TestProcessors:
    LEVELS = ("x86-64-v2", "x86-64-v3")

    def test_entries_of_glibc_hwcaps_come_first_with_their_names(self) -> None:
        lines = (
            Line("liba.so", "/v2", hwcap=EXTENSION | 1 << 33 | 0),  # with an ISA level, which does not count
            Line("liba.so", "/v3", hwcap=EXTENSION | 1),
            Line("liba.so", "/plain"),
        )
        assert ldcache.lookup(new(lines, levels=self.LEVELS), "liba.so", "x86_64", 64) == (
            CacheEntry("liba.so", "/v2", "x86-64-v2"),
            CacheEntry("liba.so", "/v3", "x86-64-v3"),
            CacheEntry("liba.so", "/plain"),
        )

    def test_they_do_so_wherever_they_stand(self) -> None:
        lines = (
            Line("liba.so", "/tls", hwcap=1 << 63),
            Line("liba.so", "/v2", hwcap=EXTENSION),
            Line("liba.so", "/plain"),
        )
        assert paths(new(lines, levels=self.LEVELS), "liba.so") == ["/v2", "/tls", "/plain"]

    @pytest.mark.parametrize("bit", range(32, 42))
    def test_isa_levels_do_not_count(self, bit: int) -> None:
        """dl-cache.h: "ignoring the lower 32 bits as well as the ISA level bits in the upper 32 bits"; ten."""
        lines = (Line("liba.so", "/v3", hwcap=EXTENSION | 1 << bit | 1),)
        found = ldcache.lookup(new(lines, levels=self.LEVELS), "liba.so", "x86_64", 64)
        assert found == (CacheEntry("liba.so", "/v3", "x86-64-v3"),)

    def test_a_number_without_a_name_is_no_level(self) -> None:
        lines = (Line("liba.so", "/v9", hwcap=EXTENSION | 9),)
        assert ldcache.lookup(new(lines, levels=self.LEVELS), "liba.so", "x86_64", 64) == (
            CacheEntry("liba.so", "/v9", "#9"),
        )

    def test_legacy_capabilities_are_bits(self) -> None:
        lines = (Line("liba.so", "/tls", hwcap=1 << 63), Line("liba.so", "/plain"))
        assert ldcache.lookup(new(lines), "liba.so", "x86_64", 64) == (
            CacheEntry("liba.so", "/tls", "0x8000000000000000"),
            CacheEntry("liba.so", "/plain"),
        )


class TestDamage:
    """Never an exception, whatever the bytes are."""

    WHOLE = new((*SOME[:3], Line("liba.so", "/a", hwcap=EXTENSION)), levels=["x86-64-v2"])

    @pytest.mark.parametrize("content", [b"", b"\0" * 100, OLD_MAGIC, NEW_MAGIC, b"glibc-ld.so.cache2.0" + bytes(60)])
    def test_what_is_no_cache_has_no_entries(self, content: bytes) -> None:
        assert (paths(content, "libm.so.6"), list(ldcache.entries(content))) == ([], [])

    @pytest.mark.parametrize("whole", [WHOLE, old(SOME)], ids=["new", "old"])
    def test_cut_anywhere(self, whole: bytes) -> None:
        for length in range(len(whole)):
            assert set(paths(whole[:length], "libm.so.6")) <= {"/m6"}
            list(ldcache.entries(whole[:length]))

    @pytest.mark.parametrize("value", [0, 1, 0x7F, 0xFF])
    def test_any_byte_changed(self, value: int) -> None:
        for place in range(len(self.WHOLE)):
            content = self.WHOLE[:place] + bytes([value]) + self.WHOLE[place + 1 :]
            ldcache.lookup(content, "liba.so", "x86_64", 64)
            list(ldcache.entries(content))

    def test_a_number_of_very_many_digits(self) -> None:
        assert paths(new([Line("liba.so.1", "/a")]), "liba.so." + "1" * 10000) == []


def libcmp(one: bytes, other: bytes) -> int:
    """elf/dl-cache.c, _dl_cache_libcmp, word for word; strings end in NUL."""
    one, other = one + b"\0", other + b"\0"
    p1 = p2 = 0

    def digit(character: int) -> bool:
        return 0x30 <= character <= 0x39

    def char(value: int) -> int:
        return value - 256 if value > 127 else value

    while one[p1] != 0:
        if digit(one[p1]):
            if digit(other[p2]):
                val1, val2 = one[p1] - 0x30, other[p2] - 0x30
                p1, p2 = p1 + 1, p2 + 1
                while digit(one[p1]):
                    val1, p1 = val1 * 10 + one[p1] - 0x30, p1 + 1
                while digit(other[p2]):
                    val2, p2 = val2 * 10 + other[p2] - 0x30, p2 + 1
                if val1 != val2:
                    return val1 - val2
            else:
                return 1
        elif digit(other[p2]):
            return -1
        elif one[p1] != other[p2]:
            return char(one[p1]) - char(other[p2])
        else:
            p1, p2 = p1 + 1, p2 + 1
    return char(one[p1]) - char(other[p2])


NAMES = st.text(alphabet="ab.1209-\u00e9", max_size=12).map(str.encode)


class TestComparison:
    """ "It is important to use the same algorithm as used while generating the cache file." """

    @given(NAMES, NAMES)
    @example(b"libz.so.01", b"libz.so.1")
    @example(b"liba.so", b"liba.so.1")
    def test_it_is_that_of_glibc(self, one: bytes, other: bytes) -> None:
        assert ldcache.compared(one, other) == libcmp(one, other)

    def test_a_name_that_is_equal_by_number_is_found(self) -> None:
        assert paths(new(SOME), "libm.so.06") == ["/m6"]
