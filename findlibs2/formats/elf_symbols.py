"""ELF: the dynamic symbols of one file and their versions. Read from the dynamic section; section headers are never read.

Sources: System V gABI, chapter 4, Symbol Table; Linux Standard Base, Core, 10.7 Symbol Versioning. How many symbols there
are, the hash table tells (elf_hashes).

Columns are decoded as a whole, and no object is made for a symbol: a stack has a hundred thousand of them. What it
defines is looked up by hash, as ld.so does. All names are bytes, as in the file.
"""

from __future__ import annotations

import struct

from . import elf, elf_hashes, elf_image
from .elf_hashes import gnu_hash as gnu_hash
from .elf_hashes import listed, numbers
from .window import BadFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from .elf_hashes import Hashes, Numbers
    from .elf_image import Dynamic, Image
    from .window import Window

    # name, the file that it is wanted of (None: it is defined here), flags
    Version: TypeAlias = tuple[bytes, "bytes | None", int]
    # name, version (None: none), the file that is to supply the version (None: any), whether it may be missing
    Import: TypeAlias = tuple[bytes, "bytes | None", "bytes | None", bool]

DT_STRSZ, DT_DEBUG = 10, 21
STB_LOCAL, STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE = 0, 1, 2, 10
HIDING = frozenset({1, 2})  # STV_INTERNAL, STV_HIDDEN
STT_OBJECT, STT_TLS, SHN_UNDEF, SHN_ABS = 1, 6, 0, 0xFFF1
# elf/dl-lookup.c, ALLOWED_STT: notype, object, func, common, tls, gnu_ifunc
DEFINING = frozenset({0, 1, 2, 5, STT_TLS, 10})
BINDING = frozenset({STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE})
WEAK_DATA = (STB_WEAK << 4 | STT_OBJECT, STB_WEAK << 4 | STT_TLS)  # st_info
# Itanium C++ ABI, 5.1.4: tables and type information of a class, which are the same in every file.
OF_A_CLASS = (b"_ZTI", b"_ZTS", b"_ZTV", b"_ZTT", b"_ZTC")
USUAL = frozenset({binding << 4 | kind for binding in BINDING for kind in DEFINING})  # st_info of what others may use
VER_FLG_BASE, VER_FLG_WEAK = 1, 2
HIDDEN, VERSION = 0x8000, 0x7FFF  # of an entry of DT_VERSYM

MAX_STRINGS = 1 << 28  # bytes
MAX_NAME = 1 << 16  # bytes
MAX_NAMES = 1 << 26  # bytes, of all that a file wants together; symbols may share one long string
MAX_VERSIONS = 1 << 15  # a version has a number of 15 bits
MAX_TABLE = 1 << 22  # bytes of a table of versions
NONE = (None, None)
# Of DT_VERDEF: vd_version, vd_flags, vd_ndx, vd_cnt, vd_hash, vd_aux, vd_next; vda_name. Of DT_VERNEED: vn_version, vn_cnt,
# vn_file, vn_aux, vn_next; vna_hash, vna_flags, vna_other, vna_name, vna_next.
ENTRIES = {order: [struct.Struct(order + form) for form in ("HHHHIII", "I", "HHIII", "IHHII")] for order in "<>"}
MORE = 2048  # bytes of a table of versions that are read at first; most are shorter


class Symbols:
    """The dynamic symbols of one file. What is kept are the bytes of its tables."""

    def __init__(self, bits: int, order: str, strings: bytes, symbols: bytes, hashes: Hashes) -> None:
        self.order = order  # of `struct`: "<" or ">"
        self.bits = bits
        self.unpack = struct.Struct(order + ("BBHQ" if bits == 64 else "IIBBH")).unpack_from  # what follows st_name
        self.strings = strings
        self.symbols = symbols
        self.entry = 24 if bits == 64 else 16  # bytes
        self.count = len(symbols) // self.entry  # the null symbol among them
        self.starts = numbers(symbols, order, "I")[:: self.entry // 4]  # st_name
        self.hashes = hashes
        self.is_sorted = False  # all that it wants lies before all that the hash table leads to
        self.versym: Numbers = ()  # one for each symbol; (): the file knows no versions
        self.versions: dict[int, Version] = {}  # by number in versym
        self.has_relr = False  # whether it has compressed relocations, DT_RELR

    def text(self, start: int) -> bytes:
        """A string; b"" where its place is outside of the table, or where it has no end near enough."""
        end = self.strings.find(b"\0", start, start + MAX_NAME)
        return self.strings[start:end] if end >= 0 else b""

    def name(self, number: int) -> bytes:
        return self.text(self.starts[number])

    def fields(self, number: int) -> tuple[int, int, int, int]:
        """st_info, st_other, st_shndx, st_value."""
        if self.bits == 64:
            info, other, section, value = self.unpack(self.symbols, number * 24 + 4)
        else:
            value, _, info, other, section = self.unpack(self.symbols, number * 16 + 4)
        return info, other, section, value

    def is_definition(self, number: int) -> bool:
        """Whether others may use what the symbol defines."""
        info, other, section, value = self.fields(number)
        kind = info & 15
        if not section or kind not in DEFINING or info >> 4 not in BINDING or other & 3 in HIDING:
            return False
        # "No value": `sym->st_value == 0 && sym->st_shndx != SHN_ABS && stt != STT_TLS`
        return value != 0 or section == SHN_ABS or kind == STT_TLS

    def ends_search(self, number: int) -> bool:
        """Whether a loader that comes to the symbol looks at no other of this file, though others may not use it.

        elf/dl-lookup.c: check_match sees neither binding nor visibility; do_lookup_x does, and then leaves the file.
        """
        info, _, section, value = self.fields(number)
        has_value = value != 0 or section == SHN_ABS or info & 15 == STT_TLS
        return section != SHN_UNDEF and info & 15 in DEFINING and has_value

    # --------------------------------------------------------------------------------------------------- what it wants

    def imports(self) -> list[Import]:
        """What others have to supply, in the order of the table; no more than fits into `MAX_NAMES`."""
        wanted = self.wanted_versions()
        return [(name, *wanted.get(entry & VERSION, NONE), weak) for name, weak, entry in self.undefined()]

    def strong(self) -> dict[tuple[bytes | None, bytes | None], list[bytes]]:
        """The names of those that may not be missing, by the version that is wanted and the file that is to have it."""
        by_entry: dict[int, list[bytes]] = {}
        for name, weak, entry in self.undefined():
            if not weak:
                if entry in by_entry:
                    by_entry[entry].append(name)
                else:
                    by_entry[entry] = [name]
        wanted = self.wanted_versions()
        found: dict[tuple[bytes | None, bytes | None], list[bytes]] = {}
        for entry, names in by_entry.items():
            found.setdefault(wanted.get(entry & VERSION, NONE), []).extend(names)
        return found

    def undefined(self) -> list[tuple[bytes, bool, int]]:
        """Name, whether it may be missing, the entry of DT_VERSYM (0: there is none) of what others have to supply.

        What is hidden is no import: elf/dl-reloc.c, RESOLVE_MAP, takes it to be here.
        """
        # DT_GNU_HASH leads to what is defined, which is sorted behind all else; DT_HASH leads to everything.
        count = min(self.hashes.first, self.count) if self.is_sorted else self.count
        starts, words = self.columns(count)
        is_weak = self.may_be_missing(words)
        versym = listed(self.versym[:count]) or bytes(count)
        strings, room = self.strings, MAX_NAMES
        found = []
        for start, word, entry in zip(starts, words, versym, strict=True):
            if word in is_weak:
                end = strings.find(b"\0", start, start + MAX_NAME)
                if end > start:
                    room -= end - start
                    if room < 0:
                        break
                    found.append((strings[start:end], is_weak[word], entry))
        return found

    def columns(self, count: int) -> tuple[Sequence[int], Sequence[int]]:
        """st_name; and the four bytes with st_info, st_other and st_shndx as one number. Of the first symbols."""
        words = numbers(memoryview(self.symbols)[: count * self.entry], self.order, "I")
        step, place = (6, 1) if self.bits == 64 else (4, 3)
        return listed(words[::step]), listed(words[place::step])

    def may_be_missing(self, words: Iterable[int]) -> dict[int, bool]:
        """Of those of the numbers that are of imports: whether the symbol is weak. A file has few different ones."""
        found = {}
        for word in set(words):
            info, other, section = struct.unpack(self.order + "BBH", struct.pack(self.order + "I", word))
            if section == SHN_UNDEF and info >> 4 != STB_LOCAL and other & 3 not in HIDING:
                found[word] = info >> 4 == STB_WEAK
        return found

    def wanted_versions(self) -> dict[int, tuple[bytes | None, bytes | None]]:
        """What a reference wants whose entry of DT_VERSYM is the number: the version, and the file that is to have it."""
        # elf/dl-version.c does not enter the base version, so there is nothing that could be wanted.
        versions = self.versions.items()
        return {
            number: (name, file)
            for number, (name, file, flags) in versions
            if file is not None or not flags & VER_FLG_BASE
        }

    # ------------------------------------------------------------------------------------------------ what it supplies

    def named(self, name: bytes, hashed: int) -> Iterator[int]:
        """Numbers of the symbols of that name that the hash table leads to; `hashed`: `gnu_hash(name)`."""
        return (number for _, number in self.find((name,), {name: hashed}))

    def find(self, names: Iterable[bytes], hashes: Mapping[bytes, int]) -> list[tuple[bytes, int]]:
        """The same of many: a name that is there, with a number, as often as it is there."""
        starts, count, is_at = self.starts, self.count, self.strings.startswith
        return [
            (name, number)
            for name, number in self.hashes.find(names, hashes)
            if number < count and is_at(name + b"\0", starts[number])
        ]

    def definitions(self, numbers: Iterable[int]) -> set[int]:
        """Those of them of which `is_definition` is true."""
        if self.bits == 32:
            return {number for number in numbers if self.is_definition(number)}
        symbols, unpack, found = self.symbols, self.unpack, set()
        for number in numbers:
            info, other, section, value = unpack(symbols, number * 24 + 4)
            if (info in USUAL and section and value and not other) or self.is_definition(number):
                found.add(number)
        return found

    def exports(self) -> Iterator[bytes]:
        """Every name that it defines for others. Dear: for explanations."""
        return (self.name(number) for number in range(1, self.count) if self.is_definition(number))

    def weak_data(self) -> Iterator[bytes]:
        """The names of the variables that are defined for others, and that others may define as well: one of each is to
        be used by all. Those of a class itself are not among them."""
        infos = self.symbols[4 if self.bits == 64 else 12 :: self.entry]
        starts, begins = self.starts, self.strings.startswith
        for info in WEAK_DATA:
            number = infos.find(info)
            while number >= 0:
                if not begins(OF_A_CLASS, starts[number]) and self.is_definition(number):
                    yield self.name(number)
                number = infos.find(info, number + 1)

    def defined_versions(self) -> frozenset[bytes]:
        """The versions that the file defines, its base among them; none: it defines no versions."""
        return frozenset(name for name, file, _ in self.versions.values() if file is None)

    def needed_versions(self) -> list[tuple[bytes, bytes, bool]]:
        """The file, the version that is wanted of it, whether that may be missing."""
        return [(file, name, bool(flags & VER_FLG_WEAK)) for name, file, flags in self.versions.values() if file]


# ------------------------------------------------------------------------------------------------------------- reading


def read(window: Window) -> Symbols:
    """The symbols of a file of which `elf.read` was content. Errors: `BadFile`; none of them says that it cannot load."""
    shape, image, dynamic = elf.dynamic_of(window)
    order, entry = shape.word[0], 24 if shape.bits == 64 else 16
    hashes = elf_hashes.read(window, image, dynamic, shape.bits)
    count = hashes.count if hashes.counts_all else max(hashes.count, referred(window, image, dynamic, shape.bits))
    symbols = table(window, image, dynamic, elf_image.DT_SYMTAB, count * entry)
    strings = string_table(window, image, dynamic)
    found = Symbols(shape.bits, order, strings, symbols[: len(symbols) - len(symbols) % entry], hashes)
    # A program has more behind them: undefined symbols with a value, by which it calls functions of others. DT_DEBUG
    # is what linkers give to programs alone.
    found.is_sorted = hashes.is_gnu and hashes.counts_all and DT_DEBUG not in dynamic.last
    found.has_relr = elf_image.DT_RELR in dynamic.last
    versions = {**needed(window, image, dynamic, found), **defined(window, image, dynamic, found)}
    # elf/dl-version.c, _dl_check_map_versions: where no version is named, DT_VERSYM is not looked at.
    if versions and elf_image.DT_VERSYM in dynamic.last:
        raw = table(window, image, dynamic, elf_image.DT_VERSYM, found.count * 2)
        found.versym = numbers(raw + b"\0" * (found.count * 2 - len(raw)), order, "H")
        found.versions = versions
    return found


def table(window: Window, image: Image, dynamic: Dynamic, tag: int, count: int) -> bytes:
    """The bytes at an address that a tag names; as many as are in the file, at most `count`."""
    place = image.backed(dynamic.last.get(tag, -1))
    if place is None:
        raise dynamic.bad(tag, "lies outside of the file")
    return window.read(place[0], min(count, place[1]), elf_image.TAGS[tag])


def string_table(window: Window, image: Image, dynamic: Dynamic) -> bytes:
    size = dynamic.last.get(DT_STRSZ, 0)
    if size > MAX_STRINGS:
        raise dynamic.bad(elf_image.DT_STRTAB, f"has {size} bytes")
    return table(window, image, dynamic, elf_image.DT_STRTAB, size)


def referred(window: Window, image: Image, dynamic: Dynamic, bits: int) -> int:
    """How many symbols there are at least, by the relocations: where a hash table leads to nothing it tells of nothing.

    GNU ld writes symoffset 1 then, whatever the file wants (bfd/elflink.c, "Empty .gnu.hash section is special").
    """
    from . import elf_relocations

    return min(max(elf_relocations.read(window, image, dynamic, bits), default=0), elf_hashes.MAX_SYMBOLS) + 1


# ------------------------------------------------------------------------------------------------------------ versions


class Piece:
    """Bytes from an address on; as many as are asked for are read."""

    def __init__(self, window: Window, image: Image, dynamic: Dynamic, tag: int) -> None:
        place = image.backed(dynamic.last[tag])
        if place is None:
            raise dynamic.bad(tag, "lies outside of the file")
        self.window, self.what = window, elf_image.TAGS[tag]
        self.start, self.available = place[0], min(place[1], MAX_TABLE)
        self.raw = window.read(self.start, min(self.available, MORE), self.what)

    def unpack(self, form: struct.Struct, at: int) -> tuple[int, ...]:
        end = at + form.size
        if end > len(self.raw):
            if end > self.available:
                raise BadFile("damaged", f"{self.what} leaves its segment", self.start + at)
            self.raw = self.window.read(self.start, min(self.available, 2 * end), self.what)
        return form.unpack_from(self.raw, at)


def defined(window: Window, image: Image, dynamic: Dynamic, symbols: Symbols) -> dict[int, Version]:
    """DT_VERDEF: number -> name, None, flags. LSB, 10.7.3: each entry names the place of the next, 0 ends."""
    found: dict[int, Version] = {}
    if elf_image.DT_VERDEF in dynamic.last:
        piece, base = Piece(window, image, dynamic, elf_image.DT_VERDEF), 0
        entry, named = ENTRIES[symbols.order][:2]
        for _ in range(MAX_VERSIONS):
            _, flags, index, _, _, aux, step = piece.unpack(entry, base)
            (name,) = piece.unpack(named, base + aux)
            found[index & VERSION] = (symbols.text(name), None, flags)
            if not step:
                break
            base += step
    return found


def needed(window: Window, image: Image, dynamic: Dynamic, symbols: Symbols) -> dict[int, Version]:
    """DT_VERNEED: number -> name, the file that it is wanted of, flags. LSB, 10.7.4."""
    found: dict[int, Version] = {}
    if elf_image.DT_VERNEED in dynamic.last:
        piece, base, left = Piece(window, image, dynamic, elf_image.DT_VERNEED), 0, MAX_VERSIONS
        of_file, of_version = ENTRIES[symbols.order][2:]
        while left > 0:
            # glibc goes by vn_next and vna_next, and counts nothing.
            _, _, file, aux, step = piece.unpack(of_file, base)
            named, place = symbols.text(file), base + aux
            while left > 0:
                left -= 1
                _, flags, index, name, following = piece.unpack(of_version, place)
                found[index & VERSION] = (symbols.text(name), named, flags)
                if not following:
                    break
                place += following
            if not step:
                break
            base += step
    return found
