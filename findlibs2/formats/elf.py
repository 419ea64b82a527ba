"""ELF: what the headers of one file say. Program headers and dynamic section; section headers are never read.

Sources: System V gABI, chapters 4 and 5; glibc elf/dl-load.c for what a loader makes of a file. A file that would kill
the process that opens it raises `BadFile`; so does a file of which the loader's own refusal is certain.
"""

from __future__ import annotations

import struct

from ..model import Binary, Needed
from . import elf_image as elf
from .elf_damage import judge_dynamic, judge_hash, judge_headers
from .elf_image import Image, Segments, read_dynamic, strings
from .window import BadFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from .elf_image import Dynamic, Segment
    from .window import Window

    # DT_SONAME, DT_NEEDED, DT_RPATH, DT_RUNPATH, the names of the flags
    _Linked: TypeAlias = tuple[str | None, tuple[Needed, ...], str | None, str | None, frozenset[str]]

MAX_KNOWN = 1024  # names; more than any stack has, and nothing to speak of in memory
MAGIC = b"\x7fELF"
MAX_INTERPRETER = 4096  # bytes; PATH_MAX of Linux, and what its kernel allows
_IDENT = 16  # bytes; EI_NIDENT


class _Shape:
    """Word size and byte order: the formats, for `struct`, that follow from the first bytes."""

    def __init__(self, bits: int, order: str) -> None:
        self.bits = bits
        self.byteorder = "little" if order == "<" else "big"
        self.word = order + ("Q" if bits == 64 else "I")
        self.header = struct.Struct(order + ("HHIQQQIHHHHHH" if bits == 64 else "HHIIIIIHHHHHH"))
        self.segment = struct.Struct(order + ("IIQQQQQQ" if bits == 64 else "IIIIIIII"))


# gABI, ELF Identification: EI_CLASS and EI_DATA
_SHAPES = {(size, data): _Shape(size * 32, order) for size in (1, 2) for data, order in ((1, "<"), (2, ">"))}
_PATHS = (elf.DT_SONAME, elf.DT_RPATH, elf.DT_RUNPATH)
_NO_FLAGS: frozenset[str] = frozenset()
_NOT_LINKED: _Linked = (None, (), None, None, _NO_FLAGS)  # a static program


_known: dict[str, Needed] = {}  # the libraries of a stack need the same few


def _needed(name: str) -> Needed:
    if len(_known) >= MAX_KNOWN:
        _known.clear()
    return _known.setdefault(name, Needed(name, "normal"))


def read(window: Window) -> Binary:
    """The facts, or `BadFile`. At most a few reads: the first page, the dynamic section, the strings it names."""
    shape = _shape(window)
    header = shape.header.unpack(window.read(_IDENT, shape.header.size, "the file header"))
    e_type, e_machine, e_version = header[:3]
    # gABI, ELF Header: EV_CURRENT is 1. glibc: "ELF file version does not match current one".
    if e_version != 1:
        raise BadFile("damaged", f"e_version is {e_version}, not 1", 20)
    kind = elf.TYPES.get(e_type, "other")
    first = (window.path, "elf", elf.machine(e_machine, shape.bits, shape.byteorder), shape.bits, shape.byteorder, kind)
    missing_tail = _missing_tail(header, window.size)
    if kind not in ("shared", "executable"):
        return Binary(*first, missing_tail=missing_tail)
    segments = _segments(window, shape, header)
    image = Image(segments, window.size, 1 << shape.bits)
    last = segments.last
    if elf.PT_DYNAMIC in last:
        linked = _linked(window, shape, e_machine, segments, image)
    elif kind == "executable":
        linked = _NOT_LINKED
    else:
        # glibc: "object file has no dynamic section"
        raise BadFile("damaged", "no dynamic section: PT_DYNAMIC is absent, or empty as in a file of debugging symbols")
    interpreter = _interpreter(window, last[elf.PT_INTERP]) if elf.PT_INTERP in last else None
    stack = stack_of(last[elf.PT_GNU_STACK]) if elf.PT_GNU_STACK in last else None
    tls_size = last[elf.PT_TLS][6] if elf.PT_TLS in last else 0
    loaded_end = max([load[2] + load[5] for load in segments.loads])
    return Binary(*first, *linked, interpreter, stack, tls_size, loaded_end, missing_tail)


def segments_of(window: Window) -> tuple[_Shape, Segments]:
    """The program headers, for other readers. Errors: `BadFile`."""
    shape = _shape(window)
    header = shape.header.unpack(window.read(_IDENT, shape.header.size, "the file header"))
    return shape, _segments(window, shape, header)


def dynamic_of(window: Window) -> tuple[_Shape, Image, Dynamic]:
    """The dynamic section, for the readers of what it leads to. Errors: `BadFile`."""
    if window.parsed is not None:
        found: tuple[_Shape, Image, Dynamic] = window.parsed
        return found
    shape, segments = segments_of(window)
    image = Image(segments, window.size, 1 << shape.bits)
    segment = segments.last.get(elf.PT_DYNAMIC)
    if segment is None:
        raise BadFile("damaged", "no dynamic section")
    return shape, image, read_dynamic(window, image, segment[3], segment[5], shape.word)


def _shape(window: Window) -> _Shape:
    ident = window.read(0, _IDENT, "the file header")
    if ident[:4] != MAGIC:
        raise BadFile("not-a-library", "the file does not begin as an ELF file does", 0)
    shape = _SHAPES.get((ident[4], ident[5]))
    if shape is None:
        raise BadFile("damaged", f"EI_CLASS is {ident[4]} and EI_DATA is {ident[5]}; both are 1 or 2", 4)
    if ident[6] != 1:
        raise BadFile("damaged", f"EI_VERSION is {ident[6]}, not 1", 6)
    return shape


def _missing_tail(header: tuple[int, ...], size: int) -> int:
    """How many bytes of the section headers lie behind the end of the file."""
    e_shoff, e_shentsize, e_shnum = header[5], header[10], header[11]
    # gABI, ELF Header: with very many sections e_shnum is 0, and the count stands in the first section header.
    return max(0, e_shoff + (e_shnum or 1) * e_shentsize - size) if e_shoff else 0


def _segments(window: Window, shape: _Shape, header: tuple[int, ...]) -> Segments:
    e_phoff, e_phentsize, e_phnum = header[4], header[8], header[9]
    size = shape.segment.size
    # glibc: "ELF file's phentsize not the expected size"
    if e_phnum and e_phentsize != size:
        raise BadFile("damaged", f"e_phentsize is {e_phentsize}, not {size}", 54 if shape.bits == 64 else 42)
    table = window.read(e_phoff, e_phnum * size, "the program header table")
    entries: list[Segment] = list(shape.segment.iter_unpack(table))
    if shape.bits == 32:  # gABI, Program Header: there p_flags stands before p_align
        entries = [(kind, flags, a, b, c, d, e, align) for kind, a, b, c, d, e, flags, align in entries]
    return Segments(entries, e_phoff, size)


def _interpreter(window: Window, segment: Segment) -> str | None:
    """PT_INTERP of a program, which only the kernel reads; None if it is not a string of the file."""
    try:
        raw = window.read(segment[2], min(segment[5], MAX_INTERPRETER), "PT_INTERP")
    except BadFile:
        return None
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape") or None


def stack_of(segment: Segment) -> str:
    """What a PT_GNU_STACK says, as in `Binary.stack`."""
    return "rwx" if segment[1] & elf.PF_X else "rw"


def _linked(window: Window, shape: _Shape, machine: int, segments: Segments, image: Image) -> _Linked:
    """What the dynamic section says: name, needed, rpath, runpath, flags."""
    segment = segments.last[elf.PT_DYNAMIC]
    dynamic = read_dynamic(window, image, segment[3], segment[5], shape.word)
    window.parsed = shape, image, dynamic
    judge_headers(segments, image)
    judge_dynamic(dynamic, image, machine)
    judge_hash(window, image, dynamic)
    named = strings(window, image, dynamic)
    needed = tuple([_known.get(named[offset]) or _needed(named[offset]) for offset in dynamic.needed])
    name, rpath, runpath = [named.get(dynamic.last.get(tag, -1)) for tag in _PATHS]
    return name, needed, rpath, runpath, _flags(dynamic)


def _flags(dynamic: Dynamic) -> frozenset[str]:
    last = dynamic.last
    flags, flags_1 = last.get(elf.DT_FLAGS, 0), last.get(elf.DT_FLAGS_1, 0)
    if elf.SUPERSEDED.keys().isdisjoint(last) and not flags and not flags_1:
        return _NO_FLAGS
    names = [name for tag, name in elf.SUPERSEDED.items() if tag in last]
    names += [name for bit, name in elf.DF if flags & bit]
    names += [name for bit, name in elf.DF_1 if flags_1 & bit]
    return frozenset(names)
