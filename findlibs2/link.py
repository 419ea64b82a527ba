"""Imports looked up in providers' tables: the lean questions that a load asks. Pure.

What is missing is told; nothing is told of what is there, so nothing is made for it. The explanations are in `verdict`.
"""

from __future__ import annotations

from .formats.elf_hashes import gnu_hashes, listed
from .loaders import glibc_symbols
from .model import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType
    from typing import TypeAlias

    from .formats.elf_symbols import Symbols

    Supply: TypeAlias = tuple["bytes | None", "bytes | None"]  # version, the file that it is wanted of

LOOK_UP = 8  # hashes are gone through in the time of one look-up; measured on 3.11


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
    return have_versions(importers, named) and not unsatisfied(importers.values(), providers, named)


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
    importers: Mapping[str, Symbols],
    providers: Iterable[Symbols],
    named: Callable[[bytes], Symbols | None],
    rules: ModuleType = glibc_symbols,
) -> tuple[Missing, ...]:
    """The strong references of the importers (by path) that none of the providers satisfies.

    `providers` are asked one after the other, as long as something is missing; `named`: the one of that DT_SONAME;
    `rules`: what the loader takes for a reference.
    """
    left = unsatisfied(importers.values(), providers, named, rules)
    found: dict[tuple[bytes, bytes | None], tuple[bytes | None, list[str]]] = {}
    for path, symbols in importers.items() if left else ():
        for name, version, file, weak in symbols.imports():
            if not weak and name in left.get((version, file), ()):
                found.setdefault((name, version), (file, []))[1].append(path)
    return tuple(Missing(name, version, file, tuple(by)) for (name, version), (file, by) in found.items())


def unsatisfied(
    importers: Iterable[Symbols],
    providers: Iterable[Symbols],
    named: Callable[[bytes], Symbols | None],
    rules: ModuleType = glibc_symbols,
) -> dict[Supply, set[bytes]]:
    """The names that are left over, by the version that is wanted and the file that it is wanted of."""
    wanted = references(importers)
    hashes = gnu_hashes(set().union(*wanted.values()))
    # Nearly always the very file has it that the version is wanted of.
    for (version, file), names in wanted.items():
        supplier = named(file) if file is not None else None
        if supplier is not None:
            names -= rules.supplied(supplier, names, hashes, version)
    left = {key: names for key, names in wanted.items() if names}
    by_hash: dict[int, list[bytes]] = {}
    for name in set().union(*left.values()):
        by_hash.setdefault(hashes[name], []).append(name)
    either = {*by_hash, *[hashed ^ 1 for hashed in by_hash]}
    for provider in providers:
        if not left:
            break
        likely = possible(by_hash, either, provider) if is_quicker(left, provider) else None
        for (version, _), names in left.items():
            some = names if likely is None else names & likely
            if some:
                names -= rules.supplied(provider, some, hashes, version)
        left = {key: names for key, names in left.items() if names}
    return left


def references(importers: Iterable[Symbols]) -> dict[Supply, set[bytes]]:
    """The names that are referred to, by the version that is wanted and the file that it is wanted of."""
    found: dict[Supply, set[bytes]] = {}
    for symbols in importers:
        for key, names in symbols.strong().items():
            found.setdefault(key, set()).update(names)
    return found


def is_quicker(left: Mapping[Supply, set[bytes]], provider: Symbols) -> bool:
    """Whether going through all hashes of a file takes less time than looking every name up in it."""
    return provider.hashes.is_gnu and len(provider.hashes.chains) < LOOK_UP * sum(map(len, left.values()))


def possible(by_hash: Mapping[int, list[bytes]], either: set[int], provider: Symbols) -> set[bytes]:
    """Those of the names that the provider may have, by its table alone.

    The chains of DT_GNU_HASH are the hashes of all that a file defines, but for the lowest bit, which ends a chain: so the
    names that it may have are an intersection of two sets. `either`: the hashes with that bit, and without.
    """
    shared = either.intersection(listed(provider.hashes.chains))
    return {name for one in shared for each in (one, one ^ 1) for name in by_hash.get(each, ())}
