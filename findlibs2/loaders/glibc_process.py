"""A process of the GNU C library as its loader remembers it, and what may be asked of the machine around it. Pure."""

from __future__ import annotations

from ..model import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Protocol

    from ..model import Binary, CacheEntry, File, Host, Identity
    from . import glibc_symbols
    from .glibc import Place
    from .hwcaps import Processor

    class Symbols(glibc_symbols.Symbols, Protocol):
        """What of a file's symbols is asked besides: what it wants."""

        def needed_versions(self) -> list[tuple[bytes, bytes, bool]]: ...
        def name(self, number: int) -> bytes: ...
        def fields(self, number: int) -> tuple[int, int, int, int]: ...


ALREADY, NOWHERE = "already opened", "nowhere"  # rules of a request that no search answered


class Installation(Record):
    """What may be asked of the machine; the answers are those of the moment."""

    host: Host  # with the program
    read: Callable[[str], File]
    symbols: Callable[[str], Symbols | None]
    referred: Callable[
        [str], Sequence[int]
    ]  # numbers of the symbols that relocations of a file refer to, in their order
    hashed: Callable[[bytes], int]  # DT_GNU_HASH of a name
    is_directory: Callable[[str], bool]
    cached: Callable[[str], tuple[CacheEntry, ...]]
    default_directories: Callable[[], tuple[str, ...]]
    processor: Callable[[], Processor]
    directory: str = "/"  # the current one, absolute
    preload: str = ""  # LD_PRELOAD
    dynamic_weak: bool = False  # LD_DYNAMIC_WEAK
    dynamic_sort: int | None = None  # glibc.rtld.dynamic_sort of GLIBC_TUNABLES; None: as this version does it


class Object(Record):
    """One object of a process. Others are named by their number: their place in load order."""

    path: str  # as it was opened; "" is the program
    binary: Binary  # its path is absolute: what $ORIGIN is made of
    identity: Identity | None  # None: its file is not compared with others
    names: tuple[str, ...]  # which it answers to, besides its path and its DT_SONAME
    loader: int | None = None  # which needed it first; None: nobody, it was opened
    scopes: tuple[int, ...] = ()  # whose search lists are gone through for its references; ~n: n alone
    search: tuple[int, ...] = ()  # its own; (): it was never opened for itself
    order: tuple[int, ...] = ()  # its dependencies: itself and what it needs, or all of its search list, sorted
    from_start: bool = False
    is_global: bool = False
    initialised: bool = False


class Process(Record):
    """Objects in load order, and what the loader remembers. Object 0 is the program, 1 the loader."""

    objects: tuple[Object, ...]
    directories: Mapping[str, bool]  # absolute search directories that were looked into: whether they were there
    unique: Mapping[bytes, int]  # who supplies each STB_GNU_UNIQUE symbol that somebody refers to


class Request(Record):
    """Who wants which name, and how it came to an object."""

    by: int
    wanted: str
    rule: str  # as `Candidate.rule`; "already opened" under that name; "nowhere"
    place: Place | None = None  # where the file was found
    satisfied: int | None = None  # the object
    is_new: bool = (
        False  # False with a place: the file is that of an object which was there, or the search ended with it
    )
    tried: tuple[str, ...] = ()  # in directories that the loader does not know to be absent


class Binding(Record):
    """A reference, and whose definition it got."""

    by: int
    symbol: bytes
    version: bytes | None
    supplier: int


class Opened(Record):
    """What one step did."""

    object: int | None = None  # None: refused, or (RTLD_NOLOAD) not there
    added: tuple[int, ...] = ()
    requests: tuple[Request, ...] = ()
    bindings: tuple[Binding, ...] = ()
    initialised: tuple[int, ...] = ()  # in this order
    scopes: tuple[tuple[int, ...], ...] = ()  # lists that were searched for its symbols; (): it had been opened before
    refused: str | None = None  # in the loader's words
    dies: bool = False  # it is not only refused: the process ends
    attempted: tuple[Object, ...] = ()  # all objects as they were when it was refused


class Refusal(Exception):
    """The loader's words."""

    def __init__(self, words: str, dies: bool = False) -> None:
        super().__init__(words)
        self.words, self.dies = words, dies
