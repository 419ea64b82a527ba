"""Writes ELF files with dynamic symbols and versions, on top of tests/build/elf.py.

    library([Symbol("f"), Symbol("g", section=0)], "libfoo.so")                    defines f, wants g
    library([Symbol("f", version=2)], defines=["libfoo.so", "V1"])                 defines f@@V1
    library([Symbol("g", section=0, version=2)], needs={"libbar.so": ["V1"]})      wants g@V1 of libbar.so

Versions are numbered as GNU ld does: `defines` from 1 on (the first is the base), then `needs`. The tables lie behind the
file that `elf.library` wrote, in the same PT_LOAD. Every wanted symbol has a relocation (GLOB_DAT), so that a
loader looks it up. Sections are numbers without section headers, as in a file that was stripped of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from tests.build import elf
from tests.build.elf import PAGE, Shape, Strings

GLOBAL, WEAK, UNIQUE = 1, 2, 10
NOTYPE, OBJECT, FUNC, SECTION, COMMON, TLS, IFUNC = 0, 1, 2, 3, 5, 6, 10
DEFAULT, INTERNAL, HIDDEN, PROTECTED = range(4)
UND, ABS = 0, 0xFFF1
BASE, WEAK_VERSION = 1, 2
NOT_DEFAULT = 0x8000  # of an entry of DT_VERSYM
GLOB_DAT = {elf.X86_64: 6, elf.AARCH64: 1025}  # R_X86_64_GLOB_DAT, R_AARCH64_GLOB_DAT
# What `elf.library` writes as well, for itself.
WRITTEN = frozenset({"DT_SYMTAB", "DT_STRTAB", "DT_STRSZ", "DT_GNU_HASH", "DT_HASH"})


class Symbol(NamedTuple):
    """One row; `version` is its entry of DT_VERSYM."""

    name: str | bytes
    section: int = 1
    value: int = 8
    binding: int = GLOBAL
    kind: int = FUNC
    visibility: int = DEFAULT
    version: int = 1
    referred: bool = False  # a relocation also where it is defined: what others define may come before it


def library(
    symbols: Iterable[Symbol],
    soname: str | None = None,
    needed: Iterable[str] = (),
    *,
    defines: Sequence[str] = (),
    needs: Mapping[str, Sequence[str]] | None = None,
    weak: Iterable[str] = (),  # versions among `needs` that may be missing
    bits: int = 64,
    byteorder: str = "little",
    machine: int | None = None,
    hash_style: str = "gnu",  # "gnu", "sysv", "both", "none"
    buckets: int = 2,
    refer: bool = True,  # a relocation for each wanted symbol
    wide: bool = False,  # entries of DT_HASH have 64 bits
    texts: Mapping[str, str | None] | None = None,  # "DT_RPATH", "DT_RUNPATH"; None: no such tag
    flags: int = 0,  # DT_FLAGS; 0: no such tag
    flags_1: int = 0,  # DT_FLAGS_1; 0: no such tag
    tables: Mapping[str, bytes] | None = None,  # in place of what would be written, by tag
    overrides: Mapping[str, int | None] | None = None,
) -> bytes:
    """The bytes of one ELF file. `overrides`: as in `elf.library`, and every tag that is written here."""
    shape, strings = Shape(bits, byteorder), Strings()
    ordered, first = sort(symbols, buckets)
    content = {"DT_SYMTAB": bytes(shape.sizes[2]) + b"".join(record(shape, each, strings) for each in ordered)}
    hashed = [each for each in ordered if each.section != UND]
    if hash_style in ("gnu", "both"):
        content["DT_GNU_HASH"] = gnu_table(shape, hashed, first, buckets)
    if hash_style in ("sysv", "both"):
        content["DT_HASH"] = sysv_table(shape, ordered, buckets, wide)
    if defines or needs:
        content["DT_VERSYM"] = shape.pack(f"{len(ordered) + 1}H", 0, *(each.version for each in ordered))
    if defines:
        content["DT_VERDEF"] = verdef(shape, defines, strings)
    if needs:
        content["DT_VERNEED"] = verneed(shape, needs, len(defines) or 1, frozenset(weak), strings)
    referred = [number for number, each in enumerate(ordered, 1) if each.section == UND or each.referred]
    if refer and referred:
        glob_dat = GLOB_DAT.get(elf.MACHINE if machine is None else machine, 0)
        content["DT_RELA"] = b"".join(
            shape.pack("AAA", 0, number << (32 if bits == 64 else 8) | glob_dat, 0) for number in referred
        )
    named = [("DT_NEEDED", strings.at(name)) for name in needed]  # several of one name: never overridden
    tagged = {"DT_SONAME": soname, **(texts or {})}
    named += [(tag, strings.at(text)) for tag, text in tagged.items() if text is not None]
    content |= {"DT_STRTAB": strings.table} | dict(tables or {})
    sizes = [("DT_STRSZ", len(content["DT_STRTAB"]))]
    sizes += [("DT_VERDEFNUM", len(defines))] if defines else []
    sizes += [("DT_VERNEEDNUM", len(needs))] if needs else []
    sizes += [(tag, number) for tag, number in (("DT_FLAGS", flags), ("DT_FLAGS_1", flags_1)) if number]
    if "DT_RELA" in content:
        sizes += [("DT_RELASZ", len(content["DT_RELA"])), ("DT_RELAENT", 3 * bits // 8)]
    return assembled(shape, content, [*named, *sizes], machine, overrides or {})


def assembled(
    shape: Shape,
    content: Mapping[str, bytes],
    numbers: Sequence[tuple[str, int]],
    machine: int | None,
    wrong: Mapping[str, int | None],
) -> bytes:
    """One PT_LOAD over what `elf.library` writes, and the tables behind that."""
    style = "both" if {"DT_HASH", "DT_GNU_HASH"} <= content.keys() else "sysv" if "DT_HASH" in content else "gnu"
    absent: dict[str, int | None] = (
        {} if WRITTEN & {"DT_HASH", "DT_GNU_HASH"} & content.keys() else {"DT_GNU_HASH": None}
    )
    own: list[tuple[str, int]] = [(tag, 0) for tag in content if tag not in WRITTEN]
    own += [(tag, value) for tag, value in numbers if tag not in WRITTEN]

    def head(tags: Iterable[tuple[str, int]], overrides: Mapping[str, int | None]) -> bytes:
        return elf.library(
            bits=shape.bits, byteorder=shape.byteorder, machine=machine, hash_style=style, tags=tags,
            overrides={**absent, **overrides},
        )  # fmt: skip

    starts = list(accumulate((len(_padded(part)) for part in content.values()), initial=len(head(own, {}))))
    unique = {tag: value for tag, value in numbers if tag != "DT_NEEDED"}
    values = {**dict(zip(content, starts, strict=False)), **unique, **wrong}
    tags = [(tag, values.get(tag, value) or 0) for tag, value in own]
    loads: dict[str, int | None] = {"PT_LOAD.p_filesz": starts[-1], "PT_LOAD.p_memsz": starts[-1] + -starts[-1] % PAGE}
    replaced = {tag: value for tag, value in values.items() if tag in WRITTEN or tag not in dict(own)}
    return head(tags, {**loads, **replaced}) + b"".join(map(_padded, content.values()))


def _padded(part: bytes) -> bytes:
    return part + bytes(-len(part) % 16)


def record(shape: Shape, symbol: Symbol, strings: Strings) -> bytes:
    name, info = strings.at(symbol.name), symbol.binding << 4 | symbol.kind
    if shape.bits == 64:
        return shape.pack("IBBHQQ", name, info, symbol.visibility, symbol.section, symbol.value, 0)
    return shape.pack("IIIBBH", name, symbol.value, 0, info, symbol.visibility, symbol.section)


def sort(symbols: Iterable[Symbol], buckets: int) -> tuple[list[Symbol], int]:
    """What is wanted first; then what is defined, by bucket. And the number of the first that is defined."""
    every = list(symbols)
    wanted = [each for each in every if each.section == UND]
    defined = sorted((each for each in every if each.section != UND), key=lambda each: gnu_hash(each.name) % buckets)
    return [*wanted, *defined], len(wanted) + 1


def gnu_hash(name: str | bytes) -> int:
    found = 5381
    for char in name.encode() if isinstance(name, str) else name:
        found = (found * 33 + char) % (1 << 32)
    return found


def sysv_hash(name: str | bytes) -> int:
    """As the gABI prints it, in C."""
    found = 0
    for char in name.encode() if isinstance(name, str) else name:
        found = ((found << 4) + char) % (1 << 32)
        if high := found & 0xF0000000:
            found ^= high >> 24
        found &= ~high
    return found


def gnu_table(shape: Shape, defined: Sequence[Symbol], first: int, buckets: int) -> bytes:
    """One word of filter, all ones. Nothing defined: what GNU ld writes then, symoffset 1."""
    if not defined:
        return shape.pack("4IAI", 1, 1, 1, 0, 0, 0)
    hashes = [gnu_hash(each.name) for each in defined]
    at = [hashed % buckets for hashed in hashes]
    heads = [first + at.index(bucket) if bucket in at else 0 for bucket in range(buckets)]
    ends = [index + 1 == len(at) or at[index + 1] != bucket for index, bucket in enumerate(at)]
    chains = [hashed & ~1 | end for hashed, end in zip(hashes, ends, strict=True)]
    full = (1 << shape.bits) - 1
    return shape.pack(f"4IA{buckets}I{len(chains)}I", buckets, first, 1, 6, full, *heads, *chains)


def sysv_table(shape: Shape, symbols: Sequence[Symbol], buckets: int, wide: bool) -> bytes:
    heads, chains = [0] * buckets, [0] * (len(symbols) + 1)
    for number, symbol in enumerate(symbols, 1):
        bucket = sysv_hash(symbol.name) % buckets
        chains[number], heads[bucket] = heads[bucket], number
    count = 2 + len(heads) + len(chains)
    return shape.pack(f"{count}{'Q' if wide else 'I'}", len(heads), len(chains), *heads, *chains)


def verdef(shape: Shape, names: Sequence[str], strings: Strings) -> bytes:
    """LSB, 10.7.3: vd_version, vd_flags, vd_ndx, vd_cnt, vd_hash, vd_aux, vd_next; vda_name, vda_next."""
    return b"".join(
        shape.pack("HHHHIII", 1, BASE if index == 1 else 0, index, 1, sysv_hash(name), 20, 28 * (index < len(names)))
        + shape.pack("II", strings.at(name), 0)
        for index, name in enumerate(names, 1)
    )


def verneed(
    shape: Shape, needs: Mapping[str, Sequence[str]], last: int, weak: frozenset[str], strings: Strings
) -> bytes:
    """LSB, 10.7.4: vn_version, vn_cnt, vn_file, vn_aux, vn_next; vna_hash, vna_flags, vna_other, vna_name, vna_next."""
    parts, index = [], last
    for position, (file, names) in enumerate(needs.items(), 1):
        step = 16 * (1 + len(names)) if position < len(needs) else 0
        parts.append(shape.pack("HHIII", 1, len(names), strings.at(file), 16, step))
        for left, name in zip(range(len(names) - 1, -1, -1), names, strict=True):
            index += 1
            flags = WEAK_VERSION if name in weak else 0
            parts.append(shape.pack("IHHII", sysv_hash(name), flags, index, strings.at(name), 16 * bool(left)))
    return b"".join(parts)
