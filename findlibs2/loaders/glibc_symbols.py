"""Which definition glibc's loader takes for a reference, and which versions it asks for before. Pure.

Source: elf/dl-lookup.c, check_match and do_lookup_x; elf/dl-version.c for what a version is to the loader. The rules are
asked of the loader itself in tests/oracle/test_glibc_symbols.py.
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
        @property
        def versions(self) -> Mapping[int, tuple[bytes, bytes | None, int]]: ...
        def named(self, name: bytes, hashed: int) -> Iterator[int]: ...
        def find(self, names: Iterable[bytes], hashes: Mapping[bytes, int]) -> Sequence[tuple[bytes, int]]: ...
        def definitions(self, numbers: Iterable[int]) -> set[int]: ...
        def is_definition(self, number: int) -> bool: ...
        def ends_search(self, number: int) -> bool: ...
        def defined_versions(self) -> frozenset[bytes]: ...


HIDDEN, VERSION = 0x8000, 0x7FFF  # of an entry of DT_VERSYM
VER_FLG_BASE = 1
OLDEST = 3  # "versions 0 and 1 are local and global, 2 is the first that was defined"


def supplies(symbols: Symbols, name: bytes, version: bytes | None, hashed: int) -> bool:
    """Whether a file's definition is taken for a reference; `hashed` is the name's DT_GNU_HASH."""
    return takes(symbols, symbols.named(name, hashed), version)


def supplied(
    symbols: Symbols, names: Iterable[bytes], hashes: Mapping[bytes, int], version: bytes | None
) -> set[bytes]:
    """Of many names, with their DT_GNU_HASH, those for which a file's definition is taken."""
    found = symbols.find(names, hashes)
    numbers, versym = dict(found), symbols.versym
    taken = set()
    if len(numbers) < len(found):
        several: dict[bytes, list[int]] = {name: [] for name in numbers}
        for name, number in found:
            several[name].append(number)
        taken = {name for name, each in several.items() if len(each) > 1 and takes(symbols, each, version)}
        numbers = {name: each[0] for name, each in several.items() if len(each) == 1}
    # Most names are there once, with one of some few entries: what `takes` says of these.
    usable = symbols.definitions(numbers.values())
    if versym:
        fine = {entry for entry in {versym[number] for number in usable} if answers(symbols, entry, version)}
        return taken.union([name for name, number in numbers.items() if number in usable and versym[number] in fine])
    return taken.union([name for name, number in numbers.items() if number in usable])


def answers(symbols: Symbols, entry: int, version: bytes | None) -> bool:
    """Whether the only definition of a name is taken, with that entry of DT_VERSYM."""
    if version is None:
        return not entry & HIDDEN or entry & VERSION < OLDEST
    return fits(symbols, entry & VERSION, bool(entry & HIDDEN), version)


def takes(symbols: Symbols, numbers: Iterable[int], version: bytes | None) -> bool:
    """Whether one of the symbols that have the wanted name is taken, in the order in which the hash table has them."""
    return taken(symbols, numbers, version) is not None


def taken(
    symbols: Symbols, numbers: Iterable[int], version: bytes | None, by_program: bool = False, exactly: bool = False
) -> int | None:
    """Which of them is. `by_program`: of those without a version dlsym(3) takes the newest, where a reference takes the
    oldest; `exactly`: dlvsym(3) takes no base version for another one.
    """
    oldest = OLDEST - 1 if by_program else OLDEST
    defaults = []
    for number in numbers:
        offered = number if symbols.is_definition(number) else None
        if offered is None and not symbols.ends_search(number):
            continue
        if not symbols.versym:  # "No versioning" in the file: whatever was asked for is it
            return offered
        index, hidden = symbols.versym[number] & VERSION, symbols.versym[number] & HIDDEN
        if version is None:
            # "Don't accept hidden symbols": the base and the oldest version are taken at once, of others only the default,
            # and that only if it is the only one.
            if index < oldest:
                return offered
            if not hidden:
                defaults.append(offered)
        elif fits(symbols, index, bool(hidden) or exactly, version):
            return offered
    return defaults[0] if len(defaults) == 1 else None


def fits(symbols: Symbols, index: int, hidden: bool, version: bytes) -> bool:
    """Whether a definition with that number of a version answers to a wanted version."""
    defined = symbols.versions.get(index)
    # elf/dl-version.c, _dl_check_map_versions: the base version of a file is not entered, so its hash is 0; and
    # check_match: a definition whose version has the hash 0 is taken, unless it is hidden.
    if defined is None or defined[2] & VER_FLG_BASE:
        return not hidden
    return defined[0] == version


def lacks(symbols: Symbols, version: bytes) -> bool:
    """Whether the loader says "version `V' not found" of the file that a DT_VERNEED names; a weak one it does without.

    elf/dl-version.c, match_symbol: asked when the file is opened, however lazily it is bound, and whether or not a symbol
    wants it. "The file has no symbol versioning": that is accepted. The base version is a version here.
    """
    defined = symbols.defined_versions()
    return bool(defined) and version not in defined


def aborts(symbols: Symbols, name: bytes, hashed: int) -> bool:
    """Whether glibc up to 2.40 ends the process when the search for a symbol with a version comes to the file that its
    DT_VERNEED names.

    elf/dl-lookup.c, check_match: `assert (version->filename == NULL || ! _dl_name_match_p (version->filename, map))`
    where the file has the symbol and knows no versions.
    """
    return not symbols.versym and any(symbols.ends_search(number) for number in symbols.named(name, hashed))
