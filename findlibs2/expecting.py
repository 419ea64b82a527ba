"""Who should have had a symbol that nobody has: a guess, for people. Pure. Cold."""

from __future__ import annotations

from bisect import bisect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def likeliest(
    name: bytes, suppliers: Sequence[str], exports: Callable[[str], list[bytes]], closely: bool = False
) -> str | None:
    """The supplier that defines most of the same class, else of its namespace; of several the first. None: none does.

    `exports`: the sorted names that a supplier defines. `closely`: of all scopes only the nearest counts, and that not
    if it is the outermost: where somebody else is suspected, a shared namespace says nothing.
    """
    nearest = [*scopes(name)]
    for scope in nearest[:-1][:1] if closely else nearest:
        counts = [(sum(within(exports(each), spelling) for spelling in spellings(scope)), each) for each in suppliers]
        count, best = max(counts, key=lambda pair: pair[0], default=(0, None))
        if count:
            return best
    return None


def scopes(name: bytes) -> Iterator[bytes]:
    """What the names of the same class, then of its namespaces, begin with; of a plain name the words before the last.

    Itanium C++ ABI, 5.1.2: a nested name is N, qualifiers, and each part behind its length. Constructors, destructors
    (5.1.4.3) and operators (5.1.3) have none: before such a name the last part is the class.
    """
    if not name.startswith(b"_Z"):
        ends = [place + 1 for place, char in enumerate(name) if char == ord("_") and place]
    else:
        start = name.find(b"N", 2) + 1
        start += len(name[start:]) - len(name[start:].lstrip(b"KVrRO"))
        ends = []
        while (end := behind(name, ends[-1] if ends else start)) is not None:
            ends.append(end)
        ends = ends[: None if ends and is_unnamed(name[ends[-1] :]) else -1]
    return (name[:end] for end in reversed(ends))


def is_unnamed(rest: bytes) -> bool:
    """Whether what follows the parts is a member without a name of its own. E is their end, I are template arguments."""
    return not rest.startswith((b"E", b"I", b"B")) and rest != b""


def spellings(scope: bytes) -> set[bytes]:
    """With K behind the N and without: functions that change nothing are of the same class as those that do."""
    head, nested, parts = scope.partition(b"_ZN")
    return {scope, head + nested + (parts[1:] if parts.startswith(b"K") else b"K" + parts)} if nested else {scope}


def behind(name: bytes, place: int) -> int | None:
    """Where a part of a name ends that begins with its length there; None: none does."""
    digits = len(name[place:]) - len(name[place:].lstrip(b"0123456789"))
    return place + digits + int(name[place : place + digits]) if digits else None


def within(names: list[bytes], scope: bytes) -> int:
    """How many of sorted names begin so."""
    return bisect(names, scope + b"\xff") - bisect(names, scope)
