"""Symbols that a file finds only outside of what it needs: under-linked. Pure. Cold.

gABI, chapter 5, Shared Object Dependencies: a file names all that it needs itself. What else happens to be in the process
satisfies its references as well, so that such a file works in one program and not in the next, and in one order of opening.
"""

from __future__ import annotations

from .findings import UnderLinked
from .formats.elf_symbols import gnu_hash
from .loaders import glibc_symbols

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from .formats.elf_symbols import Symbols
    from .link import Missing


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


def supplier(missing: Missing, others: Mapping[str, Symbols]) -> str | None:
    """The first of the others, by path, that has what a file does not find in its closure."""
    hashed = gnu_hash(missing.name)
    having = (
        path
        for path, symbols in others.items()
        if glibc_symbols.supplies(symbols, missing.name, missing.version, hashed)
    )
    return next(having, None)


def told(path: str, outside: Iterable[tuple[str, str]]) -> Iterator[UnderLinked]:
    """`outside`: who has a symbol, and the symbol as it is shown."""
    by: dict[str, list[str]] = {}
    for who, symbol in outside:
        by.setdefault(who, []).append(symbol)
    return (UnderLinked(path, tuple(symbols), who) for who, symbols in by.items())
