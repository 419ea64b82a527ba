"""Which definition musl's loader takes for a reference: ldso/dynlink.c, find_sym2. Pure.

It knows no versions: what a reference wants is not looked at, what a definition says counts as far as it hides one. Weak
and strong definitions are alike, STB_GNU_UNIQUE is as good as global, visibility is not looked at, DF_SYMBOLIC neither.
There is one list for the whole process: the program, what was preloaded and needed, then what was opened with RTLD_GLOBAL,
in the order in which it became so; while something is opened with RTLD_LOCAL it stands at the end of that list.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Protocol

    class Symbols(Protocol):
        """The symbols of one file, whatever read them."""

        @property
        def versym(self) -> Sequence[int]: ...
        def named(self, name: bytes, hashed: int) -> Iterator[int]: ...
        def find(self, names: Iterable[bytes], hashes: Mapping[bytes, int]) -> Sequence[tuple[bytes, int]]: ...
        def name(self, number: int) -> bytes: ...
        def fields(self, number: int) -> tuple[int, int, int, int]: ...


HIDDEN = 0x8000  # of an entry of DT_VERSYM
STT_TLS = 6
OK_TYPES = frozenset({0, 1, 2, 5, STT_TLS})  # STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_COMMON; no STT_GNU_IFUNC
OK_BINDS = frozenset({1, 2, 10})  # STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE


def supplies(symbols: Symbols, name: bytes, _version: bytes | None, hashed: int) -> bool:
    """Whether a file's definition is taken for a reference; `hashed` is the name's DT_GNU_HASH."""
    return takes(symbols, symbols.named(name, hashed))


def supplied(
    symbols: Symbols, names: Iterable[bytes], hashes: Mapping[bytes, int], _version: bytes | None
) -> set[bytes]:
    """Of many names, with their DT_GNU_HASH, those for which a file's definition is taken."""
    found: dict[bytes, list[int]] = {}
    for name, number in symbols.find(names, hashes):
        found.setdefault(name, []).append(number)
    return {name for name, numbers in found.items() if takes(symbols, numbers)}


def takes(symbols: Symbols, numbers: Iterable[int]) -> bool:
    """Whether the first of the symbols of that name that no version hides can be used.

    gnu_lookup: `!dso->versym || dso->versym[i] >= 0`; at the first that passes the look-up in this file ends.
    """
    for number in numbers:
        if not symbols.versym or not symbols.versym[number] & HIDDEN:
            return is_definition(symbols, number)
    return False


def is_definition(symbols: Symbols, number: int) -> bool:
    """`if (!sym->st_shndx) ... continue; if (!sym->st_value) if (type != STT_TLS) continue;`, then OK_TYPES and OK_BINDS."""
    info, _, section, value = symbols.fields(number)
    kind, binding = info & 15, info >> 4
    return bool(section) and (value != 0 or kind == STT_TLS) and kind in OK_TYPES and binding in OK_BINDS


def lacks(_symbols: Symbols, _version: bytes) -> bool:
    """Whether the loader says that a file has no such version: it never asks."""
    return False
