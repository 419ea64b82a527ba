"""A file as it is mapped: where its bytes are in memory, which segments nobody can map alive, the dynamic section there.

Addresses are relative to the load base, as everywhere in the file. What is refused here ends a process, or is refused
by the loader itself, in glibc's elf/dl-map-segments.h; tests/oracle/test_elf_damage.py asks the loader.
"""

from __future__ import annotations

import struct

from .window import BadFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from .window import Window

    # p_type, p_flags, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align: as in a file of 64 bits
    Segment: TypeAlias = tuple[int, int, int, int, int, int, int, int]

# The numbers of ELF: System V gABI (https://www.sco.com/developers/gabi/latest/contents.html) and glibc elf/elf.h.

TYPES = {1: "relocatable", 2: "executable", 3: "shared", 4: "core"}  # e_type

PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_PHDR, PT_TLS = 1, 2, 3, 6, 7
PT_GNU_STACK, PT_GNU_RELRO = 0x6474E551, 0x6474E552
PF_X, PF_W = 1, 2

DT_NULL, DT_NEEDED, DT_PLTRELSZ, DT_HASH, DT_STRTAB, DT_SYMTAB = 0, 1, 2, 4, 5, 6
DT_RELA, DT_RELASZ, DT_RELAENT, DT_INIT, DT_FINI, DT_SONAME = 7, 8, 9, 12, 13, 14
DT_RPATH, DT_SYMBOLIC, DT_REL, DT_RELSZ, DT_RELENT, DT_PLTREL, DT_TEXTREL = 15, 16, 17, 18, 19, 20, 22
DT_JMPREL, DT_BIND_NOW, DT_INIT_ARRAY, DT_FINI_ARRAY, DT_INIT_ARRAYSZ, DT_FINI_ARRAYSZ = 23, 24, 25, 26, 27, 28
DT_RUNPATH, DT_FLAGS, DT_RELRSZ, DT_RELR, DT_RELRENT = 29, 30, 35, 36, 37
DT_VERNEEDNUM = 0x6FFFFFFF
DT_RELACOUNT, DT_RELCOUNT = 0x6FFFFFF9, 0x6FFFFFFA
DT_GNU_HASH, DT_VERSYM, DT_FLAGS_1, DT_VERDEF, DT_VERNEED = 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFB, 0x6FFFFFFC, 0x6FFFFFFE

TAGS = {
    1: "DT_NEEDED", 2: "DT_PLTRELSZ", 4: "DT_HASH", 5: "DT_STRTAB", 6: "DT_SYMTAB", 7: "DT_RELA", 8: "DT_RELASZ",
    9: "DT_RELAENT", 12: "DT_INIT", 13: "DT_FINI", 14: "DT_SONAME", 15: "DT_RPATH", 17: "DT_REL", 18: "DT_RELSZ",
    19: "DT_RELENT", 20: "DT_PLTREL", 23: "DT_JMPREL", 25: "DT_INIT_ARRAY", 26: "DT_FINI_ARRAY",
    27: "DT_INIT_ARRAYSZ", 28: "DT_FINI_ARRAYSZ", 29: "DT_RUNPATH", 35: "DT_RELRSZ", 36: "DT_RELR", 37: "DT_RELRENT",
    0x6FFFFEF5: "DT_GNU_HASH", 0x6FFFFFF0: "DT_VERSYM", 0x6FFFFFF9: "DT_RELACOUNT", 0x6FFFFFFA: "DT_RELCOUNT",
    0x6FFFFFFC: "DT_VERDEF", 0x6FFFFFFE: "DT_VERNEED", 0x6FFFFFFF: "DT_VERNEEDNUM",
}  # fmt: skip

DF = (
    (0x1, "ORIGIN"), (0x2, "SYMBOLIC"), (0x4, "TEXTREL"), (0x8, "BIND_NOW"), (0x10, "STATIC_TLS"),
)  # fmt: skip
# gABI, Dynamic Section: "This element's use has been superseded by the DF_... flag." Same meaning, other spelling.
SUPERSEDED = {DT_SYMBOLIC: "SYMBOLIC", DT_TEXTREL: "TEXTREL", DT_BIND_NOW: "BIND_NOW"}

DF_1 = (
    (0x1, "NOW"), (0x2, "GLOBAL"), (0x4, "GROUP"), (0x8, "NODELETE"), (0x10, "LOADFLTR"), (0x20, "INITFIRST"),
    (0x40, "NOOPEN"), (0x80, "ORIGIN"), (0x100, "DIRECT"), (0x200, "TRANS"), (0x400, "INTERPOSE"),
    (0x800, "NODEFLIB"), (0x1000, "NODUMP"), (0x2000, "CONFALT"), (0x4000, "ENDFILTEE"), (0x8000, "DISPRELDNE"),
    (0x10000, "DISPRELPND"), (0x20000, "NODIRECT"), (0x40000, "IGNMULDEF"), (0x80000, "NOKSYMS"), (0x100000, "NOHDR"),
    (0x200000, "EDITED"), (0x400000, "NORELOC"), (0x800000, "SYMINTPOSE"), (0x1000000, "GLOBAUDIT"),
    (0x2000000, "SINGLETON"), (0x4000000, "STUB"), (0x8000000, "PIE"), (0x10000000, "KMOD"),
    (0x20000000, "WEAKFILTER"), (0x40000000, "NOCOMMON"),
)  # fmt: skip

# e_machine -> `uname -m`, where one spelling fits; where the byte order decides: (little, big).
MACHINES: dict[int, str | tuple[str, str]] = {
    2: "sparc", 3: "i686", 4: "m68k", 8: ("mipsel", "mips"), 15: "parisc", 20: ("ppcle", "ppc"),
    21: ("ppc64le", "ppc64"), 22: "s390x", 40: "arm", 42: "sh4", 43: "sparc64", 50: "ia64", 62: "x86_64",
    183: "aarch64", 243: "riscv64", 247: "bpf", 252: "csky", 258: "loongarch64", 0x9026: "alpha",
}  # fmt: skip
# The same number for two word sizes: named here is the spelling of the other one.
MACHINES_32 = {8: ("mipsel", "mips"), 22: "s390", 62: "x86_64", 183: "aarch64", 243: "riscv32", 258: "loongarch32"}
MACHINES_64 = {8: ("mips64el", "mips64"), 15: "parisc64"}

# glibc sysdeps/<machine>/dl-machine.h with ELF_MACHINE_NO_REL: only DT_RELA is looked at, DT_REL is not.
RELA_ONLY = frozenset({21, 22, 62, 183, 243, 258})
# Where an address of a function is that of a descriptor in a data segment: ia64, parisc, and ppc64 of the first ABI.
DESCRIPTORS = frozenset({15, 21, 50})

PAGE = 4096  # bytes; the smallest page of any machine: a kernel with greater ones maps at least as much
_PF_RWX = 7

MAX_SECTION = 1 << 20  # bytes; 65,536 entries, where real libraries have up to some hundreds
MAX_STRING = 1 << 20  # bytes; a path list, the longest string here, is not near it
_NEAR = 4096  # bytes; strings that lie so near to each other are read at once
_MORE = 256  # bytes read behind the start of a string at first; most names are shorter


def machine(number: int, bits: int, byteorder: str) -> str:
    """As `uname -m` spells it; x32 is "x86_64" with 32 bits. A number without a name here: "em-<number>"."""
    other = MACHINES_32 if bits == 32 else MACHINES_64
    name = other.get(number) or MACHINES.get(number) or f"em-{number}"
    return name if isinstance(name, str) else name[byteorder == "big"]


class Segments:
    """The program header table: `all` its entries, `loads` its PT_LOADs, `last`: of each type the one that counts."""

    def __init__(self, segments: list[Segment], offset: int, size: int) -> None:
        self.all = segments
        self.loads = [segment for segment in segments if segment[0] == PT_LOAD]
        # elf/dl-load.c: a later header of the same type wins, but a PT_DYNAMIC without bytes of the file is passed by.
        self.last = {segment[0]: segment for segment in segments if segment[5] or segment[0] != PT_DYNAMIC}
        self.size = len(segments) * size
        self._offset = offset
        self._entry_size = size

    def bad(self, segment: Segment, what: str) -> BadFile:
        """What is wrong with a segment, and the byte where its header stands."""
        return BadFile("damaged", what, self._offset + self.all.index(segment) * self._entry_size)


class Image:
    """The mapped segments of one file, as whole pages."""

    def __init__(self, segments: Segments, size: int, limit: int) -> None:
        """`size`: bytes of the file; `limit`: the end of the address space. Raises `BadFile`."""
        loads = segments.loads
        if not loads:
            raise BadFile("damaged", "no PT_LOAD: nothing of the file would be mapped")
        # Of each segment: start and end of its pages, end of its bytes of the file, what to add to an address to be
        # in the file, p_flags. The segment that is mapped last at an address is the one that is seen: it comes first.
        self.regions: list[tuple[int, int, int, int, int]] = []
        image_start, image_end = loads[0][3] & -PAGE, min(_up(loads[-1][3] + loads[-1][6]), limit)
        for load in loads:
            _, flags, offset, vaddr, _, filesz, memsz, _ = load
            end = -(-(vaddr + (filesz if filesz > memsz else memsz)) & -PAGE)
            if offset + filesz > size or (vaddr - offset) % PAGE or vaddr < image_start or end > image_end:
                _judge(segments, load, size, image_start, image_end)
            if not filesz:
                _judge_zeros(segments, load, size)
            # Mapping is by pages: without zeros behind them, the bytes of the file go on up to the page's end.
            delta = offset - vaddr
            file_end = vaddr + filesz if memsz > filesz else end if end + delta < size else size - delta
            self.regions.append((vaddr & -PAGE, end, file_end, delta, flags))
        self.regions.reverse()

    @property
    def writable(self) -> bool:
        """Is there any segment that can be written?"""
        return any(flags & PF_W for _, _, _, _, flags in self.regions)

    def flags(self, address: int) -> int:
        """p_flags of the segment whose pages hold `address`; 0: none does, or nobody may touch them."""
        for start, end, _, _, flags in self.regions:
            if start <= address < end:
                return flags & _PF_RWX
        return 0

    def holds(self, address: int, count: int) -> bool:
        """Are there `count` bytes of the file at `address`, in one segment that can be touched?"""
        for start, _, file_end, _, flags in self.regions:
            if start <= address < file_end:
                return address + count <= file_end and flags & _PF_RWX != 0
        return False

    def protects(self, start: int, end: int) -> bool:
        """Can these pages be made read-only? Not where there are none, nor where there is code."""
        return all((self.flags(address) or PF_X) & (PF_X | PF_W) != PF_X for address in (start, end - 1))

    def backed(self, address: int) -> tuple[int, int, bool] | None:
        """Byte in the file, how many bytes of it follow, whether zeros come behind them; None: no bytes of the file."""
        for start, end, file_end, delta, _ in self.regions:
            if start <= address < file_end:
                return address + delta, file_end - address, file_end < end
        return None


def _up(address: int) -> int:
    """The first page boundary that is not below `address`."""
    return -(-address & -PAGE)


def _judge(segments: Segments, load: Segment, size: int, image_start: int, image_end: int) -> None:
    """What is wrong with a segment with which something is; nothing is if it ends behind the file, and is empty."""
    _, _, offset, vaddr, _, filesz, memsz, _ = load
    # mmap(2), SIGBUS: "Attempted access to a page of the buffer that lies beyond the end of the mapped file."
    if filesz and offset + filesz > size:
        needs = f"PT_LOAD at 0x{vaddr:x} needs the file up to byte {offset + filesz}"
        raise BadFile("damaged", f"{needs}; it ends at {size}", size)
    # gABI, Program Header: "p_vaddr should equal p_offset, modulo p_align", and p_align of a segment that can be mapped
    # is a multiple of the page. glibc 2.36: "ELF load command address/offset not properly aligned".
    if (vaddr - offset) % PAGE:
        raise segments.bad(load, f"PT_LOAD at 0x{vaddr:x} lies at byte {offset}: not the same place in a page")
    # _dl_map_segments reserves memory from the start of the first segment to the end of the last, and maps each with
    # MAP_FIXED, over whatever is there. (gABI: they "appear in ascending order", so no linker comes near this.)
    end = vaddr + max(filesz, memsz)
    if vaddr < image_start or _up(end) > image_end:
        where = f"from 0x{vaddr:x} to 0x{end:x}"
        raise segments.bad(load, f"PT_LOAD reaches {where}, outside of the image, 0x{image_start:x} to 0x{image_end:x}")


def _judge_zeros(segments: Segments, load: Segment, size: int) -> None:
    """Zeros up to the end of a page are written into a page of the file, even if nothing else is taken from it."""
    _, _, offset, vaddr, _, _, memsz, _ = load
    if memsz and offset % PAGE and offset & -PAGE >= size:
        raise segments.bad(load, f"PT_LOAD at 0x{vaddr:x} starts at byte {offset} of a file of {size} bytes")


# ------------------------------------------------------------ the dynamic section: tags and values, and their strings


class Dynamic:
    """`tags` and `values` in the order of the file; `last`: tag -> value, where a later entry wins, as in glibc."""

    def __init__(self, tags: tuple[int, ...], values: tuple[int, ...], offset: int, word: str) -> None:
        self.tags = tags
        self.values = values
        self.last = dict(zip(tags, values, strict=True))
        self.needed = _needed(tags, values)
        self.word = word  # an address, for `struct`: byte order and size
        self._offset = offset

    def bad(self, tag: int, what: str) -> BadFile:
        """What is wrong with a tag, and the byte of its entry, or of the whole section where there is none."""
        place = len(self.tags) - 1 - self.tags[::-1].index(tag) if tag in self.last else 0
        return BadFile("damaged", f"{TAGS[tag]} {what}", self._offset + place * 2 * struct.calcsize(self.word))


def _needed(tags: tuple[int, ...], values: tuple[int, ...]) -> list[int]:
    count = tags.count(DT_NEEDED)
    if tags[:count] == (DT_NEEDED,) * count:  # linkers write them first; any other order is as good, but dearer
        return list(values[:count])
    return [value for tag, value in zip(tags, values, strict=True) if tag == DT_NEEDED]


def read_dynamic(window: Window, image: Image, address: int, count: int, word: str) -> Dynamic:
    """The entries before DT_NULL. `count`: bytes of PT_DYNAMIC, a first guess; `word`: an address, for `struct`."""
    found = image.backed(address)
    if found is None:
        raise BadFile("damaged", f"PT_DYNAMIC at 0x{address:x} lies outside of every PT_LOAD")
    offset, available, zeros_follow = found
    size = 2 * struct.calcsize(word)
    most = min(available, MAX_SECTION)
    # gABI, Dynamic Section: "An entry with a DT_NULL tag marks the end". No loader looks at the length of PT_DYNAMIC.
    while True:
        count = min(count, most)
        fields = window.read(offset, count - count % size, "PT_DYNAMIC")
        numbers = struct.unpack(f"{word[0]}{count // size * 2}{word[1]}", fields)
        tags, values = numbers[::2], numbers[1::2]
        if DT_NULL in tags:
            end = tags.index(DT_NULL)
            return Dynamic(tags[:end], values[:end], offset, word)
        if count == available and zeros_follow:
            return Dynamic(tags, values, offset, word)
        if count == most:
            raise BadFile("damaged", f"PT_DYNAMIC has no end: no DT_NULL in {count} bytes", offset)
        count = count * 2 + 1024


def strings(window: Window, image: Image, dynamic: Dynamic) -> dict[int, str]:
    """Offset in DT_STRTAB -> string, for every name in the dynamic section."""
    last = dynamic.last
    wanted = dynamic.needed + [last[tag] for tag in (DT_SONAME, DT_RPATH, DT_RUNPATH) if tag in last]
    base = last[DT_STRTAB]
    found = {}
    for near in _groups(wanted):
        low = min(near)
        place = image.backed(base + low)
        if place is None:
            raise _nowhere(dynamic, low)
        at, available, _ = place
        piece = window.read(at, min(max(near) - low + _MORE, available), "DT_STRTAB")
        for offset in near:
            end = piece.find(0, offset - low)
            raw = piece[offset - low : end] if end >= 0 else _long(window, image, dynamic, offset)
            found[offset] = raw.decode("utf-8", "surrogateescape")
    return found


def _groups(wanted: list[int]) -> Iterator[list[int]]:
    """Strings near each other, which one read brings."""
    if wanted and max(wanted) - min(wanted) <= _NEAR:
        yield wanted
        return
    group: list[int] = []
    for offset in sorted(wanted):
        if group and offset - group[0] > _NEAR:
            yield group
            group = []
        group.append(offset)
    if group:
        yield group


def _long(window: Window, image: Image, dynamic: Dynamic, offset: int) -> bytes:
    """A string whose end was not among the bytes that were read at first."""
    place = image.backed(dynamic.last[DT_STRTAB] + offset)
    if place is None:
        raise _nowhere(dynamic, offset)
    at, available, zeros_follow = place
    count = _MORE
    while True:
        count = min(count * 4, available, MAX_STRING)
        raw, end, _ = window.read(at, count, "DT_STRTAB").partition(b"\0")
        if end or (count == available and zeros_follow):
            return raw
        if count == min(available, MAX_STRING):
            raise BadFile("damaged", f"a string of DT_STRTAB has no end in {count} bytes", at)


def _nowhere(dynamic: Dynamic, offset: int) -> BadFile:
    tag = dynamic.tags[dynamic.values.index(offset)]
    for name in (DT_NEEDED, DT_SONAME, DT_RPATH, DT_RUNPATH):
        if (name, offset) in zip(dynamic.tags, dynamic.values, strict=True):
            tag = name
    return dynamic.bad(tag, f"names a string at {offset} in DT_STRTAB, outside of the image")
