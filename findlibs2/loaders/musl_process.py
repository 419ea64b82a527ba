"""A process of musl's as a value: its objects, who supplies a symbol, in which order constructors run. Pure.

Functions that are named are those of ldso/dynlink.c, musl 1.2.3. What an opening does to it: musl_opening.
"""

from __future__ import annotations

from ..model import Record
from . import musl_symbols

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..model import Binary, File, Host
    from .musl_symbols import Symbols


class Installation(Record):
    """What may be asked of the machine; the answers are those of the moment."""

    host: Host  # with the program
    read: Callable[[str], File]
    errno: Callable[[File], int]  # of open(2), where it fails; 0: it does not
    symbols: Callable[[str], Symbols | None]
    referred: Callable[
        [str], Sequence[int]
    ]  # numbers of the symbols that relocations of a file refer to, in their order
    hashed: Callable[[bytes], int]  # DT_GNU_HASH of a name
    default_directories: Callable[[], tuple[str, ...]]
    preload: str = ""  # LD_PRELOAD


class Object(Record):
    """One object of the process; others are known by their numbers."""

    path: str  # as the loader knows it
    binary: Binary
    identity: tuple[int, int] | None = None  # device and inode; None: it is not compared (program, loader)
    needed_by: int | None = None  # who made the loader open it
    shortname: str | None = None  # under which it answers, once a search has found it
    deps: tuple[int, ...] | None = None  # what it needs itself; None: not looked at yet


class Binding(Record):
    """Whose definition a reference is bound to."""

    by: int
    symbol: bytes
    supplier: int


class Process(Record):
    objects: tuple[Object, ...]  # in load order; 0 is the program
    scope: tuple[int, ...]  # what everybody sees, in this order
    constructed: frozenset[int]
    pending: tuple[tuple[int, bytes], ...] = ()  # what RTLD_LAZY left open: nobody had it


def supplier(process: Process, name: bytes, here: Installation, scope: Iterable[int] | None = None) -> int | None:
    """Whose definition of a symbol is taken: find_sym2. `scope`: where it is looked for; None: where everybody looks."""
    hashed = here.hashed(name)
    for number in process.scope if scope is None else scope:
        symbols = here.symbols(process.objects[number].path)
        if symbols is not None and musl_symbols.supplies(symbols, name, None, hashed):
            return number
    return None


def closure(objects: Sequence[Object], number: int) -> tuple[int, ...]:
    """An object and all that it needs, breadth first, each once: extend_bfs_deps. It is searched by dlsym(3) of a handle."""
    found = dict.fromkeys((number, *(objects[number].deps or ())))
    for each in (walk := list(found)):  # grows while it is walked
        fresh = [below for below in objects[each].deps or () if below not in found]
        found.update(dict.fromkeys(fresh))
        walk += dict.fromkeys(fresh)
    return tuple(found)


def queued(objects: Sequence[Object], number: int) -> list[int]:
    """In which order constructors run: queue_ctors, "pseudo-DFS sort, but ignoring circular deps"."""
    queue, stack, marked = [], [(number, iter(objects[number].deps or ()))], {number}
    while stack:
        here, left = stack[-1]
        below = next((each for each in left if each not in marked), None)
        if below is None:
            queue.append(here)
            stack.pop()
        else:
            marked.add(below)
            stack.append((below, iter(objects[below].deps or ())))
    return queue
