"""What a reader says of the symbols and versions of one file, as rows that can be compared; and what ours says."""

from __future__ import annotations

from typing import NamedTuple

from findlibs2 import files
from findlibs2.formats.elf_symbols import HIDDEN, VERSION, Symbols


class Symbol(NamedTuple):
    """One row of the table."""

    name: str  # with its version, as binutils write it: f, f@V, f@@V
    value: int
    kind: int
    binding: int
    visibility: int
    section: int


class Said(NamedTuple):
    """What one reader says of one file."""

    symbols: tuple[Symbol, ...]  # without the null symbol
    defined: tuple[tuple[str, int], ...]  # versions, and their flags
    needed: tuple[tuple[str, str, int], ...]  # file, version, flags


NOTHING = Said((), (), ())  # of a file without a dynamic section


def ours(path: str) -> Said:
    found = files.symbols(path)
    if found is None:
        return NOTHING
    versions = found.versions.values()
    return Said(
        tuple(row(found, number) for number in range(1, found.count)),
        tuple((name.decode(), flags) for name, file, flags in versions if file is None),
        tuple((file.decode(), name.decode(), flags) for name, file, flags in versions if file is not None),
    )


def row(found: Symbols, number: int) -> Symbol:
    info, other, section, value = found.fields(number)
    return Symbol(named(found, number, section), value, info & 15, info >> 4, other & 3, section)


def named(found: Symbols, number: int, section: int) -> str:
    name = found.name(number).decode()
    index = found.versym[number] if found.versym else 0
    version = found.versions.get(index & VERSION)
    # binutils leave out the version of the symbol that is the version's own name.
    if version is None or version[2] & 1 or version[0].decode() == name:
        return name
    is_default = not index & HIDDEN and section and version[1] is None
    return f"{name}{'@@' if is_default else '@'}{version[0].decode()}"


def in_order(said: Said) -> Said:
    """Versions by name: one table may be told before the other."""
    return said._replace(defined=tuple(sorted(said.defined)), needed=tuple(sorted(said.needed)))


def wanted(path: str) -> list[tuple[str, bool]]:
    """`imports`, as binutils write it, and whether weak; sorted. Nothing that is undefined is hidden in real files."""
    found = files.symbols(path)
    imports = found.imports() if found is not None else ()
    return sorted((f"{name.decode()}{f'@{of.decode()}' if of else ''}", weak) for name, of, _, weak in imports)
