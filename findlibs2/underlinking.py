"""Symbols that a file finds only outside of what it needs: under-linked. Pure. Cold.

gABI, chapter 5, Shared Object Dependencies: a file names all that it needs itself. What else happens to be in the process
satisfies its references as well, so that such a file works in one program and not in the next, and in one order of opening.
"""

from __future__ import annotations

from . import link
from .formats.elf_hashes import gnu_hashes
from .formats.elf_symbols import gnu_hash
from .loaders import glibc_symbols
from .notes import UnderLinked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import ModuleType

    from .formats.elf_symbols import Symbols


def reached(path: str, needed: Callable[[str], Iterable[str | None]]) -> tuple[str, ...] | None:
    """A file and all that it needs, also through others, breadth first; None: a name on the way leads nowhere.

    `needed`: what a file's names lead to, directly.
    """
    found = {path: None}
    todo = [path]
    for here in todo:
        for each in needed(here):
            if each is None:
                return None
            if each not in found:
                found[each] = None
                todo.append(each)
    return tuple(found)


def outside(
    importers: Mapping[str, Symbols],
    reach: Mapping[str, frozenset[str]],
    everything: Iterable[tuple[str, Symbols]],
    rules: ModuleType = glibc_symbols,
) -> Iterator[tuple[str, bytes, bytes | None, str]]:
    """What files find only out of their reach: who refers to it, its name and version, the first who has it.

    `importers`, `reach`: by path. Each provider is asked once for all. A reference that says of which file it wants a
    version is left out: whether that file is there and has it is a question of its own.
    """
    wanting = wanted(importers)
    hashes = gnu_hashes(name for name, _ in wanting)
    first: dict[tuple[bytes, bytes | None], str] = {}
    for path, provider in everything:
        for version in {version for _, version in wanting}:
            names = [name for name, wished in wanting if wished == version]
            for key in ((name, version) for name in rules.supplied(provider, names, hashes, version)):
                first.setdefault(key, path)
                wanting[key] = [each for each in wanting[key] if path not in reach[each]]
                if not wanting[key]:
                    del wanting[key]
    return ((path, *key, first[key]) for key, paths in wanting.items() if key in first for path in paths)


def wanted(importers: Mapping[str, Symbols]) -> dict[tuple[bytes, bytes | None], list[str]]:
    """Strong references, by name and version, with the files that refer to them."""
    found: dict[tuple[bytes, bytes | None], list[str]] = {}
    for path, symbols in importers.items():
        for name, version, file, weak in symbols.imports():
            if not weak and file is None:
                found.setdefault((name, version), []).append(path)
    return found


def supplier(missing: link.Missing, others: Mapping[str, Symbols], rules: ModuleType = glibc_symbols) -> str | None:
    """The first of the others, by path, that has what a file does not find in its closure."""
    hashed = gnu_hash(missing.name)
    having = (
        path for path, symbols in others.items() if rules.supplies(symbols, missing.name, missing.version, hashed)
    )
    return next(having, None)


def told(path: str, outside: Iterable[tuple[str, str]]) -> Iterator[UnderLinked]:
    """`outside`: who has a symbol, and the symbol as it is shown."""
    by: dict[str, list[str]] = {}
    for who, symbol in outside:
        by.setdefault(who, []).append(symbol)
    return (UnderLinked(path, tuple(symbols), who) for who, symbols in by.items())
