"""Imports looked up in providers' tables: the lean questions that a load asks. Pure.

What is missing is told; nothing is told of what is there, so nothing is made for it. The explanations are in `verdict`.
"""

from __future__ import annotations

from .formats.elf_symbols import Symbols, gnu_hash
from .loaders import glibc_symbols
from .model import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    Wanted: TypeAlias = tuple[bytes, "bytes | None"]  # name, version


class Missing(Record):
    """A reference that nobody satisfies."""

    name: bytes
    version: bytes | None  # None: none is wanted
    file: bytes | None  # that the version is wanted of; None: no version, or of no file
    by: tuple[str, ...]  # paths of the files that refer to it


def fits(
    importers: Mapping[str, Symbols], providers: Iterable[Symbols], named: Callable[[bytes], Symbols | None]
) -> bool:
    """Whether nothing is wrong: every strong reference is satisfied, and every version that is needed is there.

    False says no more than that it has to be looked closer: versions that are wanted of a file that nobody brings, or of
    one that has none, may be fine, an error or the end of the process, which depends on much else. Arguments: of `missing`.
    """
    return have_versions(importers, named) and not missing(importers, providers, named)


def have_versions(importers: Mapping[str, Symbols], named: Callable[[bytes], Symbols | None]) -> bool:
    """Whether every file of which versions are needed is known, defines versions, and all those that may not be missing."""
    wanted = {each for symbols in importers.values() for each in symbols.needed_versions()}
    defined = {}
    for file in {file for file, _, _ in wanted}:
        supplier = named(file)
        defined[file] = supplier.defined_versions() if supplier is not None else frozenset()
    return all(defined.values()) and all(weak or version in defined[file] for file, version, weak in wanted)


def shares_data(tables: Iterable[Symbols]) -> bool:
    """Whether two of the files define the same weak variable: a loader gives all of them the first one, of one scope.

    What C++ has in headers, static members of templates, inline variables, is such a variable in builds of clang, and with
    -fno-gnu-unique; else it is STB_GNU_UNIQUE, of which the process has one.
    """
    known: set[bytes] = set()
    for symbols in tables:
        names = set(symbols.weak_data())
        if not known.isdisjoint(names):
            return True
        known |= names
    return False


def missing(
    importers: Mapping[str, Symbols], providers: Iterable[Symbols], named: Callable[[bytes], Symbols | None]
) -> tuple[Missing, ...]:
    """The strong references of the importers (by path) that none of the providers satisfies.

    `providers` are asked one after the other, as long as something is missing; `named`: the one of that DT_SONAME.
    """
    wanted = references(importers)
    from_files(wanted, named)
    by_hash: dict[int, list[Wanted]] = {}
    for name, version in wanted:
        by_hash.setdefault(gnu_hash(name), []).append((name, version))
    either = {*by_hash, *(hashed ^ 1 for hashed in by_hash)}
    for provider in providers:
        for hashed in possible(by_hash, either, provider) if wanted else ():
            for name, version in by_hash[hashed]:
                if (name, version) in wanted and glibc_symbols.supplies(provider, name, version, hashed):
                    del wanted[name, version]
    return tuple(Missing(name, version, file, tuple(by)) for (name, version), (file, by) in wanted.items())


def references(importers: Mapping[str, Symbols]) -> dict[Wanted, tuple[bytes | None, list[str]]]:
    """What is referred to, each once, with the file that its version is wanted of, and who refers to it."""
    found: dict[Wanted, tuple[bytes | None, list[str]]] = {}
    for path, symbols in importers.items():
        for name, version, file, weak in symbols.imports():
            if not weak:
                entry = found.get((name, version))
                if entry is None:
                    found[name, version] = (file, [path])
                else:
                    entry[1].append(path)
    return found


def from_files(wanted: dict[Wanted, tuple[bytes | None, list[str]]], named: Callable[[bytes], Symbols | None]) -> None:
    """Strike out what the very file has that the version is wanted of: nearly always it has."""
    found: dict[bytes, Symbols | None] = {}
    for (name, version), (file, _) in tuple(wanted.items()):
        if file is not None:
            if file not in found:
                found[file] = named(file)
            supplier = found[file]
            if supplier is not None and glibc_symbols.supplies(supplier, name, version, gnu_hash(name)):
                del wanted[name, version]


def possible(by_hash: Mapping[int, object], either: frozenset[int] | set[int], provider: Symbols) -> Iterable[int]:
    """Hashes of the names that the provider may have, by its table alone.

    The chains of DT_GNU_HASH are the hashes of all that a file defines, but for the lowest bit, which ends a chain: so the
    names that it may have are an intersection of two sets. `either`: the hashes with that bit, and without.
    """
    if not provider.hashes.is_gnu:
        return by_hash
    shared = either.intersection(listed(provider.hashes.chains))
    return {each for one in shared for each in (one, one ^ 1) if each in by_hash}


def listed(numbers: Sequence[int]) -> Sequence[int]:
    """The same, quicker to go through."""
    return numbers.tolist() if isinstance(numbers, memoryview) else numbers
