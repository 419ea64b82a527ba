"""Whose definition a reference gets in a process of the GNU C library, and in which order its objects come. Pure.

Source: elf/dl-lookup.c, elf/dl-version.c, elf/dl-sort-maps.c. What of one file counts as a definition is in
`glibc_symbols`; here are the scopes, that is the files, and what is kept by the process.
"""

from __future__ import annotations

from ..model import Record
from . import glibc_symbols
from .glibc_process import Binding, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .glibc_process import Installation, Object, Symbols

STB_LOCAL, STB_WEAK, STB_GNU_UNIQUE = 0, 2, 10
HIDING, STV_PROTECTED = (1, 2), 3
VERSION = 0x7FFF  # of an entry of DT_VERSYM
FIRST_WITHOUT_ABORT = (2, 41)
FIRST_DEPTH_FIRST = (2, 35)  # NEWS of 2.35: glibc.rtld.dynamic_sort, which is 2 if nobody says 1


class Wish(Record):
    """What is looked up."""

    name: bytes
    version: bytes | None
    file: bytes | None  # which is to have the version, by DT_VERNEED
    by_program: bool  # dlsym, dlvsym


NOTHING = Wish(b"", None, None, False)


def lists(number: int, objects: Sequence[Object]) -> list[tuple[int, ...]]:
    """The search lists that are gone through for an object's references."""
    return [objects[scope].search if scope >= 0 else (~scope,) for scope in objects[number].scopes]


def bind(number: int, objects: Sequence[Object], unique: dict[bytes, int], here: Installation) -> Iterator[Binding]:
    """The references of one object. Errors: `Refusal`, at the first that nobody satisfies."""
    binary = objects[number].binary
    symbols = here.symbols(binary.path)
    if symbols is None:
        return
    wanted = wanted_versions(symbols)
    for reference in here.referred(binary.path):
        info, other, _, _ = symbols.fields(reference)
        # elf/dl-reloc.c, RESOLVE_MAP: what is local or hidden is the object's own.
        if info >> 4 == STB_LOCAL or other & 3 in HIDING:
            continue
        version, file = (
            wanted.get(symbols.versym[reference] & VERSION, (None, None)) if symbols.versym else (None, None)
        )
        wish = Wish(symbols.name(reference), version, file, False)
        found = look_up(wish, lists(number, objects), objects, unique, here)
        if found is None:
            if info >> 4 != STB_WEAK:
                raise Refusal(missing(objects[number].path or binary.path, wish))
        else:
            # "It is very tricky": a protected symbol is the object's own, whoever comes first.
            own = other & 3 == STV_PROTECTED
            yield Binding(number, wish.name, version, number if own else found)


def missing(path: str, wish: Wish) -> str:
    version = f", version {wish.version.decode()}" if wish.version is not None else ""
    return f"{path}: undefined symbol: {wish.name.decode()}{version}"


def wanted_versions(symbols: Symbols) -> dict[int, tuple[bytes | None, bytes | None]]:
    """What a reference wants, by its number in DT_VERSYM: the version, and the file that is to have it."""
    return {
        number: (name, file)
        for number, (name, file, flags) in symbols.versions.items()
        if file is not None or not flags & glibc_symbols.VER_FLG_BASE
    }


def look_up(
    wish: Wish, scopes: Iterable[Sequence[int]], objects: Sequence[Object], unique: dict[bytes, int], here: Installation
) -> int | None:
    """elf/dl-lookup.c, do_lookup_x: the first that has it. The weak are as good as others, unless LD_DYNAMIC_WEAK."""
    hashed, weak = here.hashed(wish.name), None
    for number in (each for scope in scopes for each in scope):
        symbols = here.symbols(objects[number].binary.path)
        if symbols is None:
            continue
        require_versions(wish, hashed, symbols, objects[number], here)
        found = glibc_symbols.taken(
            symbols, symbols.named(wish.name, hashed), wish.version, wish.by_program and wish.version is None,
            wish.by_program,
        )  # fmt: skip
        if found is None:
            continue
        binding = symbols.fields(found)[0] >> 4
        if binding == STB_GNU_UNIQUE:
            # do_lookup_unique: "If we already found a definition we have to use it."
            return unique.setdefault(wish.name, number)
        if binding != STB_WEAK or not here.dynamic_weak:
            return number
        weak = number if weak is None else weak
    return weak


def require_versions(wish: Wish, hashed: int, symbols: Symbols, of: Object, here: Installation) -> None:
    """check_match: `assert (version->filename == NULL || ! _dl_name_match_p (version->filename, map))`."""
    if wish.file is None or here.host.libc_version >= FIRST_WITHOUT_ABORT:
        return
    if is_named(of, wish.file.decode()) and glibc_symbols.aborts(symbols, wish.name, hashed):
        raise Refusal("version->filename == NULL || ! _dl_name_match_p (version->filename, map)", dies=True)


def is_named(of: Object, name: str) -> bool:
    """_dl_name_match_p: by a name under which it was found; a DT_SONAME alone is none."""
    return name == of.path or name in of.names


def check_versions(number: int, objects: Sequence[Object], here: Installation) -> None:
    """Errors: `Refusal`, at the first version that is missing."""
    of = objects[number]
    symbols = here.symbols(of.binary.path)
    for file, version, weak in symbols.needed_versions() if symbols is not None else ():
        name = file.decode()
        needed = next((each for each in objects if is_named(each, name)), None)
        if needed is None:
            raise Refusal("needed != NULL", dies=True)
        defining = here.symbols(needed.binary.path)
        if not weak and defining is not None and glibc_symbols.lacks(defining, version):
            path = needed.path or needed.binary.path
            words = f"version `{version.decode()}' not found (required by {of.path or of.binary.path})"
            raise Refusal(f"{path}: {words}")


# ------------------------------------------------------------------------------------------------------------- order


def ordered(listed: Sequence[int], objects: Sequence[Object], here: Installation) -> tuple[int, ...]:
    """A search list so sorted that what needs others comes before them; the constructors run from its end."""
    usual = 2 if here.host.libc_version >= FIRST_DEPTH_FIRST else 1
    return (by_moving if (here.dynamic_sort or usual) == 1 else depth_first)(listed, objects)


def by_moving(listed: Sequence[int], objects: Sequence[Object]) -> tuple[int, ...]:
    """elf/dl-sort-maps.c, _dl_sort_maps_original: "move the current object behind the object with the dependency"."""
    maps, place, seen = list(listed[1:]), 0, [0] * len(listed)
    while place < len(maps):
        seen[place] += 1
        wanting = [at for at in range(place + 1, len(maps)) if maps[place] in objects[maps[at]].order]
        if wanting:
            maps.insert(wanting[-1], maps.pop(place))
            # What was looked at too often is part of a ring, and stays where it is.
            if seen[place + 1] <= len(maps) - place:
                seen.insert(wanting[-1], seen.pop(place))
                continue
        place += 1
        seen[place:] = [0] * (len(listed) - place)
    return (listed[0], *maps)


def depth_first(listed: Sequence[int], objects: Sequence[Object]) -> tuple[int, ...]:
    """elf/dl-sort-maps.c, _dl_sort_maps_dfs: "We go from maps[nmaps - 1] backwards towards maps[0]"."""
    seen: set[int] = set()
    done: list[int] = []
    for top in reversed(listed):
        todo = [(top, iter(objects[top].order))] if top not in seen else []
        seen.add(top)
        while todo:
            number, below = todo[-1]
            child = next((each for each in below if each not in seen and each != 0), None)
            if child is None:
                done.append(number)
                todo.pop()
            else:
                seen.add(child)
                todo.append((child, iter(objects[child].order)))
    # "... force the object back into first place after sorting", where it is part of a ring.
    done.remove(listed[0])
    return (listed[0], *reversed(done))
