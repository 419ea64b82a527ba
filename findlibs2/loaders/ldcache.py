"""/etc/ld.so.cache: which file ldconfig(8) noted for a name. Pure: bytes in, entries out.

The structures and the search are those of glibc: sysdeps/generic/dl-cache.h, elf/dl-cache.c. A cache that is damaged
has no entries; nothing here raises.
"""

from __future__ import annotations

import struct

from ..model import CacheEntry, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC_OLD = b"ld.so-1.7.0"  # struct cache_file: then padding to 12, nlibs, file_entry[nlibs], strings
MAGIC_NEW = b"glibc-ld.so.cache1.1"  # struct cache_file_new: then nlibs, len_strings, flags, extension_offset ...
OLD_HEADER, OLD_ENTRY = 16, 12  # bytes; file_entry: flags, key, value
NEW_HEADER, NEW_ENTRY = 48, 24  # bytes; file_entry_new: flags, key, value, osversion_unused, hwcap
ALIGNED = 8  # __alignof__ (struct cache_file_new)

ENDIAN = {0: None, 2: "little", 3: "big"}  # cache_file_new.flags & 3; 0: an old ldconfig wrote it; 1: invalid

EXTENSION_MAGIC = -358342284 & 0xFFFFFFFF
TAG_GLIBC_HWCAPS = 1  # enum cache_extension_tag
HWCAP_EXTENSION = 1 << 62  # the low half of `hwcap` numbers a glibc-hwcaps subdirectory
ISA_LEVEL = 0x3FF << 32  # bits that do not count for that

# What ldconfig notes of an entry (sysdeps/generic/ldconfig.h), and what the loader of a machine takes
# (_dl_cache_check_flags in sysdeps/unix/sysv/linux/*/dl-cache.h), the best first.
ELF_LIBC6 = 0x0003
GENERIC = (ELF_LIBC6, 0x0001)
TAKEN: dict[tuple[str, int], tuple[int, ...]] = {
    ("x86_64", 64): (0x0303,),
    ("x86_64", 32): (0x0803,),  # x32
    ("aarch64", 64): (0x0A03,),
    ("ppc64", 64): (0x0503,),
    ("ppc64le", 64): (0x0503,),
    ("s390x", 64): (0x0403,),
    ("sparc64", 64): (0x0103,),
    # Hard and soft float are told apart by the flags of the program, which are not looked at: both are offered.
    ("arm", 32): (0x0903, 0x0B03, ELF_LIBC6),
    ("riscv64", 64): (0x1003, 0x0F03),
    ("loongarch64", 64): (0x1203, 0x1103),
    ("mips", 32): (ELF_LIBC6, 0x0C03),
    ("mips64", 64): (0x0703, 0x0E03),
    ("mips64", 32): (0x0603, 0x0D03),
}


class Noted(Record):
    """One entry as it stands in the cache."""

    entry: CacheEntry
    flags: int


class Table(Record):
    """Where the entries and their strings are. Keys and values of the entries count from `strings`."""

    content: bytes
    order: str  # of `struct`: "<" or ">"
    first: int
    count: int
    size: int  # bytes of one entry
    strings: int
    subdirectories: tuple[str, ...] = ()  # of glibc-hwcaps, as the entries number them


def lookup(content: bytes, name: str, machine: str, bits: int, byteorder: str = "little") -> tuple[CacheEntry, ...]:
    """The entries of that name that a program of this machine may take, in the order in which its loader asks them.

    Those that ask for a processor (`CacheEntry.hwcap`) are among them: the loader knows which one it has. "x86-64-v3"
    is a glibc-hwcaps subdirectory, and comes first; "0x8000000000000000" are bits of AT_HWCAP, which only glibc before
    2.37 looks at.
    """
    table = read(content, byteorder)
    if table is None:
        return ()
    taken = TAKEN.get((machine, bits), GENERIC)
    wanted = name.encode("utf-8", "surrogateescape")
    found = [noted for number in named(table, wanted) if (noted := at(table, number)) and noted.flags in taken]
    # elf/dl-cache.c, search_cache: named hwcaps first; then "a better match is also possible if the flags of the
    # current entry do not match the expected cache flags".
    found.sort(key=lambda noted: (not is_named(noted.entry), taken.index(noted.flags)))
    return tuple(noted.entry for noted in found)


def is_named(entry: CacheEntry) -> bool:
    """Whether it lies in a glibc-hwcaps subdirectory."""
    return entry.hwcap is not None and not entry.hwcap.startswith("0x")


def entries(content: bytes, byteorder: str = "little") -> Iterator[Noted]:
    """All entries, for all machines, in the order of the file."""
    table = read(content, byteorder)
    if table is not None:
        yield from (noted for number in range(table.count) if (noted := at(table, number)))


def read(content: bytes, byteorder: str) -> Table | None:
    """The table that the loader would search; None: this is no cache, or one for the other byte order."""
    order = "<" if byteorder == "little" else ">"
    if content.startswith(MAGIC_NEW):
        return new_table(content, order, 0)
    if not content.startswith(MAGIC_OLD) or len(content) <= OLD_HEADER:
        return None
    (count,) = struct.unpack_from(order + "I", content, OLD_HEADER - 4)
    end = OLD_HEADER + count * OLD_ENTRY
    if end > len(content):
        return None
    # dl-cache.h: "For glibc 2.2 another format has been added in a compatible way: the beginning of the string table is
    # used for the new table", aligned.
    behind = end + -end % ALIGNED
    if content.startswith(MAGIC_NEW, behind):
        return new_table(content, order, behind)
    return Table(content, order, OLD_HEADER, count, OLD_ENTRY, end)


def new_table(content: bytes, order: str, start: int) -> Table | None:
    if len(content) < start + NEW_HEADER:
        return None
    count, _length, flags, extension = struct.unpack_from(order + "IIB3xI", content, start + len(MAGIC_NEW))
    if ENDIAN.get(flags & 3, "invalid") not in (None, "little" if order == "<" else "big"):
        return None
    if start + NEW_HEADER + count * NEW_ENTRY > len(content):
        return None
    subdirectories = tuple(hwcaps(content, order, extension)) if extension else ()
    return Table(content, order, start + NEW_HEADER, count, NEW_ENTRY, start, subdirectories)


def hwcaps(content: bytes, order: str, extension: int) -> Iterator[str]:
    """Names of the glibc-hwcaps subdirectories (cache_extension_load); nothing, if any bound is broken."""
    if extension % 4 or extension + 8 > len(content):
        return
    magic, count = struct.unpack_from(order + "II", content, extension)
    if magic != EXTENSION_MAGIC or extension + 8 + count * 16 > len(content):
        return
    for place in range(extension + 8, extension + 8 + count * 16, 16):
        tag, _flags, offset, size = struct.unpack_from(order + "4I", content, place)
        if offset + size > len(content):
            return
        if tag == TAG_GLIBC_HWCAPS and not offset % 4 and not size % 4:
            for (string,) in struct.iter_unpack(order + "I", content[offset : offset + size]):
                # glibc_hwcaps_compare: "left_name = (const char *) cache + left_index", from the beginning of the
                # file. In a combined one ldconfig counts from the new part, so there the loader finds other words,
                # and takes none of these entries.
                yield text(content, string) or ""
            return


def text(content: bytes, offset: int) -> str | None:
    """The NUL-terminated string there; None: it is not inside."""
    end = content.find(b"\0", offset) if 0 <= offset < len(content) else -1
    return content[offset:end].decode("utf-8", "surrogateescape") if end >= 0 else None


def at(table: Table, number: int) -> Noted | None:
    """One entry; None: its strings are not inside the file."""
    place = table.first + number * table.size
    flags, key, value = struct.unpack_from(table.order + "iII", table.content, place)
    name, path = text(table.content, table.strings + key), text(table.content, table.strings + value)
    if name is None or path is None:
        return None
    if table.size == OLD_ENTRY:
        return Noted(CacheEntry(name, path), flags)
    (hwcap,) = struct.unpack_from(table.order + "Q", table.content, place + 16)
    # dl_cache_hwcap_extension: "only the DL_CACHE_HWCAP_EXTENSION bit is set, ignoring the lower 32 bits as well as the
    # ISA level bits".
    if hwcap >> 32 << 32 & ~ISA_LEVEL != HWCAP_EXTENSION:
        return Noted(CacheEntry(name, path, f"0x{hwcap:016x}" if hwcap else None), flags)
    numbered = hwcap & 0xFFFFFFFF
    known = table.subdirectories[numbered : numbered + 1]
    return Noted(CacheEntry(name, path, known[0] if known else f"#{numbered}"), flags)


def key(table: Table, number: int) -> bytes | None:
    (offset,) = struct.unpack_from(table.order + "I", table.content, table.first + number * table.size + 4)
    start = table.strings + offset
    end = table.content.find(b"\0", start) if start < len(table.content) else -1
    return table.content[start:end] if end >= 0 else None


def named(table: Table, wanted: bytes) -> range:
    """Numbers of the entries of that name.

    elf/dl-cache.c, search_cache: "We use binary search since the table is sorted in the cache file. [...] It is
    important to use the same algorithm as used while generating the cache file."
    """
    left, right = 0, table.count - 1
    while left <= right:
        middle = (left + right) // 2
        name = key(table, middle)
        if name is None:
            return range(0)
        order = compared(wanted, name)
        if order == 0:
            return around(table, wanted, middle)
        # The table is sorted downwards.
        left, right = (middle + 1, right) if order < 0 else (left, middle - 1)
    return range(0)


def around(table: Table, wanted: bytes, middle: int) -> range:
    """All neighbours of the same name: "there might be entries with this name before the one we found"."""
    first = last = middle
    while first > 0 and same(key(table, first - 1), wanted):
        first -= 1
    while last + 1 < table.count and same(key(table, last + 1), wanted):
        last += 1
    return range(first, last + 1)


def same(name: bytes | None, wanted: bytes) -> bool:
    return name is not None and compared(wanted, name) == 0


def compared(one: bytes, other: bytes) -> int:
    """elf/dl-cache.c, _dl_cache_libcmp: like strcmp, but runs of digits are numbers, and follow all else.

    So "libz.so.01" is "libz.so.1" for the cache, and for the loader.
    """
    here = there = 0
    while here < len(one):
        mine, theirs = one[here : here + 1], other[there : there + 1]
        if mine.isdigit() and theirs.isdigit():
            number, here = run(one, here)
            against, there = run(other, there)
            if number != against:
                return number - against
        elif mine.isdigit() or theirs.isdigit():
            return 1 if mine.isdigit() else -1
        elif mine != theirs:
            return signed(mine) - signed(theirs)
        else:
            here, there = here + 1, there + 1
    return -signed(other[there : there + 1])


def run(name: bytes, start: int) -> tuple[int, int]:
    """The number that starts there, and where it ends. Beyond 18 digits all numbers are alike (in C they overflow)."""
    end = start
    while name[end : end + 1].isdigit():
        end += 1
    return int(name[start : min(end, start + 18)]), end


def signed(character: bytes) -> int:
    """As a C char, which is signed on x86; the end is NUL."""
    return int.from_bytes(character, "little", signed=True)
