"""A tiny ELF writer. What it writes when nothing is overridden, the real loader loads (glibc and musl, any machine).

    library("libfoo.so.1", needed=["libbar.so.2"], runpath="$ORIGIN")              a good one
    library("libfoo.so.1", overrides={"PT_LOAD.p_filesz": 1 << 40})                a damaged one
    library(machine=183), library(bits=32, byteorder="big", machine=20)            for other processors

No code, no relocations, no exported symbols: one read-write PT_LOAD that covers the file, an empty hash table, the null
symbol, the strings, and last the dynamic section. Fields are spelled as in the System V gABI. The numbers are written
out here and not imported from findlibs2: a test that shares its tables with what it tests agrees with every mistake.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any, NamedTuple

X86_64, AARCH64 = 62, 183  # EM_X86_64, EM_AARCH64
MACHINE = X86_64  # what is written is for this one; tests that ask the loader set the one they run on
ET = {"none": 0, "relocatable": 1, "executable": 2, "shared": 3, "core": 4}
PT = {"PT_NULL": 0, "PT_LOAD": 1, "PT_DYNAMIC": 2, "PT_INTERP": 3, "PT_NOTE": 4, "PT_PHDR": 6, "PT_TLS": 7}
PT |= {"PT_GNU_STACK": 0x6474E551, "PT_GNU_RELRO": 0x6474E552}
DT = {
    "DT_NULL": 0, "DT_NEEDED": 1, "DT_PLTRELSZ": 2, "DT_PLTGOT": 3, "DT_HASH": 4, "DT_STRTAB": 5, "DT_SYMTAB": 6,
    "DT_RELA": 7, "DT_RELASZ": 8, "DT_RELAENT": 9, "DT_STRSZ": 10, "DT_SYMENT": 11, "DT_INIT": 12, "DT_FINI": 13,
    "DT_SONAME": 14, "DT_RPATH": 15, "DT_SYMBOLIC": 16, "DT_REL": 17, "DT_RELSZ": 18, "DT_RELENT": 19, "DT_PLTREL": 20,
    "DT_DEBUG": 21, "DT_TEXTREL": 22, "DT_JMPREL": 23, "DT_BIND_NOW": 24, "DT_INIT_ARRAY": 25, "DT_FINI_ARRAY": 26,
    "DT_INIT_ARRAYSZ": 27, "DT_FINI_ARRAYSZ": 28, "DT_RUNPATH": 29, "DT_FLAGS": 30, "DT_RELRSZ": 35, "DT_RELR": 36,
    "DT_RELRENT": 37, "DT_RELACOUNT": 0x6FFFFFF9, "DT_GNU_HASH": 0x6FFFFEF5, "DT_VERSYM": 0x6FFFFFF0,
    "DT_FLAGS_1": 0x6FFFFFFB,
    "DT_VERDEF": 0x6FFFFFFC, "DT_VERDEFNUM": 0x6FFFFFFD, "DT_VERNEED": 0x6FFFFFFE, "DT_VERNEEDNUM": 0x6FFFFFFF,
}  # fmt: skip
PF = {None: 0, "r": 4, "rw": 6, "rx": 5, "rwx": 7}
E_FIELDS = (
    "e_type", "e_machine", "e_version", "e_entry", "e_phoff", "e_shoff", "e_flags", "e_ehsize", "e_phentsize",
    "e_phnum", "e_shentsize", "e_shnum", "e_shstrndx",
)  # fmt: skip
PAGE = 0x1000  # bytes; what the addresses are aligned to


class Shape(NamedTuple):
    """Word size and byte order, and how the records look in them."""

    bits: int = 64
    byteorder: str = "little"

    def pack(self, form: str, *values: int) -> bytes:
        """`form` as in `struct`, where "A" is an address-sized word."""
        order = "<" if self.byteorder == "little" else ">"
        return struct.pack(order + form.replace("A", "Q" if self.bits == 64 else "I"), *values)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Bytes of the file header, of one program header, of one symbol."""
        return (64, 56, 24) if self.bits == 64 else (52, 32, 16)


class Segment(NamedTuple):
    """One program header; `p_type` is a name of `PT`, or a number."""

    p_type: str | int
    p_flags: int = 0
    p_offset: int = 0
    p_vaddr: int = 0
    p_filesz: int = 0
    p_memsz: int = 0
    p_align: int = 8

    def pack(self, shape: Shape) -> bytes:
        kind = PT[self.p_type] if isinstance(self.p_type, str) else self.p_type
        middle = (self.p_offset, self.p_vaddr, self.p_vaddr, self.p_filesz, self.p_memsz)
        if shape.bits == 64:
            return shape.pack("II6A", kind, self.p_flags, *middle, self.p_align)
        return shape.pack("I5AIA", kind, *middle, self.p_flags, self.p_align)


class Strings:
    """A string table: `at(text)` is the offset of `text` in it."""

    def __init__(self) -> None:
        self.table = b"\0"

    def at(self, text: str | bytes) -> int:
        raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        offset = len(self.table)
        self.table += raw + b"\0"
        return offset


def library(
    soname: str | bytes | None = None,
    needed: Iterable[str | bytes] = (),
    *,
    rpath: str | bytes | None = None,
    runpath: str | bytes | None = None,
    flags: int = 0,  # DT_FLAGS; 0: no such tag
    flags_1: int = 0,  # DT_FLAGS_1; 0: no such tag
    bits: int = 64,
    byteorder: str = "little",
    machine: int | None = None,  # None: MACHINE
    kind: str = "shared",  # a key of ET
    stack: str | None = "rw",  # PT_GNU_STACK: a key of PF; None: no such header
    tls: int = 0,  # bytes of PT_TLS; 0: no such header
    interpreter: str | None = None,  # PT_INTERP
    hash_style: str = "gnu",  # "gnu", "sysv" or "both"
    align: int = PAGE,  # p_align of the PT_LOAD
    tags: Iterable[tuple[str, int]] = (),  # more dynamic tags, just before DT_NULL; names of DT
    segments: Iterable[Segment] = (),  # more program headers, at the end
    tail: bytes = b"",  # after the last segment: in the file, never mapped
    overrides: Mapping[str, int | None] | None = None,
) -> bytes:
    """The bytes of one ELF file.

    `overrides` sets any field to any value, by name: "EI_CLASS", "e_machine" and every other field of the file header;
    "PT_LOAD.p_filesz", "PT_DYNAMIC.p_offset" ... (every program header of that type); "DT_STRTAB", "DT_STRSZ" ...
    (every tag of that name). None removes: "DT_NULL", "PT_DYNAMIC" and their like. An unknown field is a KeyError.
    """
    shape, wrong, strings = Shape(bits, byteorder), overrides or {}, Strings()
    named = [("DT_NEEDED", strings.at(name)) for name in needed]
    texts = {"DT_SONAME": soname, "DT_RPATH": rpath, "DT_RUNPATH": runpath}
    named += [(tag, strings.at(text)) for tag, text in texts.items() if text is not None]
    numbers = [(tag, number) for tag, number in (("DT_FLAGS", flags), ("DT_FLAGS_1", flags_1)) if number]
    headers = [*_headers(interpreter, tls, stack), *segments]
    headers = [segment for segment in headers if wrong.get(str(segment.p_type), 0) is not None]
    content = _content(shape, len(headers), interpreter, hash_style, strings.table)

    dynamic = _dynamic(shape, named, content, [*numbers, *tags], wrong)
    content["PT_DYNAMIC"] = dynamic
    _refuse_unknown(wrong, headers, dynamic_names=[tag for tag, _ in (*named, *numbers, *tags)])
    placed = _placed(headers, content, align, wrong)
    content["segments"] = b"".join(segment.pack(shape) for segment in placed)
    content["header"] = _header(
        shape,
        {"e_type": ET[kind], "e_machine": MACHINE if machine is None else machine, "e_phnum": len(headers), **wrong},
    )
    return _joined(content) + tail


def _headers(interpreter: str | None, tls: int, stack: str | None) -> list[Segment]:
    """The program headers, not yet placed. gABI: PT_INTERP comes before any PT_LOAD."""
    headers = [Segment("PT_INTERP", PF["r"], p_align=1)] if interpreter is not None else []
    headers += [Segment("PT_LOAD", PF["rw"]), Segment("PT_DYNAMIC", PF["rw"])]
    headers += [Segment("PT_TLS", PF["r"], p_memsz=tls)] if tls else []
    headers += [Segment("PT_GNU_STACK", PF[stack], p_align=16)] if stack is not None else []
    return headers


def _content(shape: Shape, phnum: int, interpreter: str | None, hash_style: str, strtab: bytes) -> dict[str, bytes]:
    """What lies in the file, in order; the file header and the program headers are still blank."""
    ehdr, phdr, sym = shape.sizes
    # gABI, Hash Table: nbucket, nchain, bucket[1], chain[1]: the null symbol alone. musl needs one of the two tables.
    # GNU hash: nbuckets, symoffset, bloom_size, bloom_shift, bloom[1], buckets[1]: every look-up ends at the bloom.
    return {
        "header": bytes(ehdr),
        "segments": bytes(phdr * phnum),
        "PT_INTERP": b"" if interpreter is None else interpreter.encode() + b"\0",
        "DT_HASH": b"" if hash_style == "gnu" else shape.pack("4I", 1, 1, 0, 0),
        "DT_GNU_HASH": b"" if hash_style == "sysv" else shape.pack("4IAI", 1, 1, 1, 6, 0, 0),
        "DT_SYMTAB": bytes(sym),
        "DT_STRTAB": strtab,
    }


def _joined(content: Mapping[str, bytes]) -> bytes:
    return b"".join(map(_padded, content.values()))


def _padded(part: bytes) -> bytes:
    return part + bytes(-len(part) % 16)


def _offsets(content: Mapping[str, bytes]) -> dict[str, int]:
    """Where each part starts, one after the other; also its address, because the file is mapped at 0."""
    starts = accumulate((len(_padded(part)) for part in content.values()), initial=0)
    return dict(zip(content, starts, strict=False))


def _dynamic(
    shape: Shape,
    named: Iterable[tuple[str, int]],
    content: Mapping[str, bytes],
    numbers: Iterable[tuple[str, int]],
    wrong: Mapping[str, int | None],
) -> bytes:
    """The dynamic section, overridden and packed."""
    offsets = _offsets(content)
    tables = [(tag, offsets[tag]) for tag in ("DT_HASH", "DT_GNU_HASH", "DT_SYMTAB", "DT_STRTAB") if content[tag]]
    sizes = [("DT_STRSZ", len(content["DT_STRTAB"])), ("DT_SYMENT", shape.sizes[2])]
    chosen = ((tag, wrong.get(tag, value)) for tag, value in (*named, *tables, *sizes, *numbers, ("DT_NULL", 0)))
    return b"".join(shape.pack("2A", DT[tag], value) for tag, value in chosen if value is not None)


def _placed(
    headers: Iterable[Segment], content: Mapping[str, bytes], align: int, wrong: Mapping[str, int | None]
) -> Iterator[Segment]:
    """The program headers with their offsets and sizes, and then overridden."""
    offsets, size = _offsets(content), len(_joined(content))
    for segment in headers:
        part = str(segment.p_type)
        if part == "PT_LOAD" and segment.p_offset == segment.p_memsz == 0:
            segment = segment._replace(p_filesz=size, p_memsz=size, p_align=align)
        elif part in content:
            start, length = offsets[part], len(content[part])
            segment = segment._replace(p_offset=start, p_vaddr=start, p_filesz=length, p_memsz=length)
        fields: dict[str, Any] = {name: wrong.get(f"{part}.{name}") for name in Segment._fields}
        yield segment._replace(**{name: value for name, value in fields.items() if value is not None})


def _header(shape: Shape, fields: Mapping[str, int | None]) -> bytes:
    """The file header: gABI, ELF Header. What `fields` does not say is what a right file says."""
    ehdr, phdr, _ = shape.sizes
    right = {"EI_MAG": 0x7F454C46, "EI_CLASS": shape.bits // 32, "EI_DATA": 1 if shape.byteorder == "little" else 2}
    right |= {"EI_VERSION": 1, "EI_OSABI": 0, "EI_ABIVERSION": 0} | dict.fromkeys(E_FIELDS, 0)
    right |= {"e_version": 1, "e_phoff": len(_padded(bytes(ehdr))), "e_ehsize": ehdr, "e_phentsize": phdr}
    right |= {name: value for name, value in fields.items() if name in right and value is not None}
    ident = struct.pack(">I5B7x", *list(right.values())[:6])
    return ident + shape.pack("HHIAAAI6H", *(right[name] for name in E_FIELDS))


def _refuse_unknown(wrong: Mapping[str, int | None], headers: Iterable[Segment], dynamic_names: Iterable[str]) -> None:
    known = {"EI_MAG", "EI_CLASS", "EI_DATA", "EI_VERSION", "EI_OSABI", "EI_ABIVERSION", *E_FIELDS, *PT, *dynamic_names}
    known |= {"DT_HASH", "DT_GNU_HASH", "DT_SYMTAB", "DT_STRTAB", "DT_STRSZ", "DT_SYMENT", "DT_NULL"}
    known |= {f"{segment.p_type}.{name}" for segment in headers for name in Segment._fields}
    if not known.issuperset(wrong):
        raise KeyError(f"not in this file: {', '.join(sorted(set(wrong) - known))}")
