"""What one dlopen(3) does to a process of musl's: which objects, how found, who supplies a symbol. Pure.

A `Process` is a value; `start` makes the first one of a program, `dlopen` the next one of that. Functions that are named
are those of ldso/dynlink.c, musl 1.2.3. tests/oracle/rules/musl asks the loader the same questions, one directory for a
rule. Thread-local storage, the kernel's own object and files of another word size are not looked at.
"""

from __future__ import annotations

from ..model import Record
from . import musl, musl_symbols
from .musl_process import Binding, Installation, Object, Process, closure, queued, supplier

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ..model import Binary, Candidate, File

ALREADY, NOWHERE, PATH = "already opened", "nowhere", "path"
PROGRAM = 0  # number of the object
UNDEFINED, STB_LOCAL, STB_WEAK = 0, 0, 2
BIND_NOW = frozenset({"NOW", "BIND_NOW"})
# load_library: "Avoid the danger of getting two versions of libc mapped into the same process".
C_LIBRARY = (b"__libc_start_main", b"stdin")
# errno(3), as musl's strerror(3) tells it.
ERRORS = {
    2: "No such file or directory",
    13: "Permission denied",
    20: "Not a directory",
    36: "Filename too long",
    40: "Symbolic link loop",
}
INVALID, NO_PROGRAM, IS_DIRECTORY = "Invalid argument", "Exec format error", "Is a directory"


class Request(Record):
    """Who wants which name (None: LD_PRELOAD), and what came of it."""

    by: int | None
    wanted: str
    rule: str  # as `Candidate.rule`; "already opened" under that name; "nowhere"
    satisfied: int | None = None  # the object
    is_new: bool = False
    tried: tuple[str, ...] = ()  # what was opened, or should have been


class Opened(Record):
    """What one step did."""

    object: int | None = None  # None: refused
    added: tuple[int, ...] = ()
    requests: tuple[Request, ...] = ()
    bindings: tuple[Binding, ...] = ()
    constructors: tuple[int, ...] = ()  # in this order
    refused: tuple[str, ...] = ()  # in the loader's words


class Refusal(Exception):
    """In the loader's words."""


def start(here: Installation) -> tuple[Process, Opened]:
    """The program, what LD_PRELOAD names, and what they need: __dls3. What goes wrong is told, all of it; then it ends."""
    program = here.host.executable
    assert program is not None
    loading = Loading(Process((Object(program.path, program),), (), frozenset()), here, at_start=True)
    for name in here.preload.replace(":", " ").split():  # load_preload
        loading.library(name, None)
    loading.dependencies(PROGRAM, range(1, len(loading.objects)))
    loading.scope = list(range(len(loading.objects)))
    loading.relocate(range(1, len(loading.objects)))
    order = tuple(each for each in queued(loading.objects, PROGRAM) if each)
    return loading.end(PROGRAM, order)


def dlopen(process: Process, name: str, flags: Collection[str], here: Installation) -> tuple[Process, Opened]:
    """The process afterwards, and what was done. `flags`: "LAZY", "NOW", "GLOBAL", "NOLOAD".

    What is refused leaves no object behind; the names that old ones got meanwhile are kept.
    """
    loading = Loading(process, here, frozenset(flags))
    try:
        number = loading.root(name)
        order = loading.open(number)
    except Refusal as refusal:
        kept = tuple(loading.objects[: len(process.objects)])
        refused = Opened(requests=tuple(loading.requests), refused=(str(refusal),))
        return process.replace(objects=kept), refused
    return loading.end(number, order)


class Loading:
    """The process while something is opened."""

    def __init__(
        self, process: Process, here: Installation, flags: frozenset[str] = frozenset(), at_start: bool = False
    ) -> None:
        self.process, self.here, self.flags, self.at_start = process, here, flags, at_start
        self.objects = list(process.objects)
        self.scope = list(process.scope)
        self.pending = list(process.pending)
        self.requests: list[Request] = []
        self.bindings: list[Binding] = []
        self.errors: list[str] = []
        self.words = ERRORS[2]  # errno, in words

    def end(self, number: int, order: Iterable[int]) -> tuple[Process, Opened]:
        added = tuple(range(len(self.process.objects) - self.at_start, len(self.objects)))
        fresh = tuple(each for each in order if each not in self.process.constructed)
        opened = Opened(
            number if not self.errors else None,
            added,
            tuple(self.requests),
            tuple(self.bindings),
            fresh,
            tuple(self.errors),
        )
        constructed = self.process.constructed | frozenset(fresh)
        return Process(tuple(self.objects), tuple(self.scope), constructed, tuple(self.pending)), opened

    def fail(self, words: str) -> None:
        """Before the program runs the loader goes on, and ends it when it has told all: `ldso_fail`."""
        if not self.at_start:
            raise Refusal(words)
        self.errors.append(words)

    # ------------------------------------------------------------------------------------------------------ dlopen(3)

    def root(self, name: str) -> int:
        number = self.library(name, PROGRAM)
        if number is None:
            is_quiet = "NOLOAD" in self.flags
            words = f"Library {name} is not already loaded"
            raise Refusal(words if is_quiet else f"Error loading shared library {name}: {self.words}")
        return number

    def open(self, number: int) -> list[int]:
        """Its needs, its references; the order of constructors."""
        is_new = number >= len(self.process.objects)
        if self.objects[number].deps is None:
            self.dependencies(number)
        reach = closure(self.objects, number)
        before = list(self.scope)
        if is_new and self.loses_pending(number, reach):
            self.pending = []
        # "Make new symbols global, at least temporarily, so we can do relocations."
        if is_new or "GLOBAL" in self.flags:
            self.scope += (each for each in reach if each not in before)
        if is_new:
            self.relocate(range(len(self.process.objects), len(self.objects)))
        if "GLOBAL" not in self.flags:
            self.scope = before
        self.retry()
        return queued(self.objects, number)

    # ----------------------------------------------------------------------------------------------------------- files

    def dependencies(self, number: int, preloaded: Iterable[int] = ()) -> None:
        """load_deps: this one's needs, then those of every object behind it, as the list grows."""
        self.direct(number, preloaded)
        while (number := number + 1) < len(self.objects):
            if self.objects[number].deps is None:
                self.direct(number)

    def direct(self, number: int, preloaded: Iterable[int] = ()) -> None:
        """load_direct_deps: "For head, all preloads are direct pseudo-dependencies"."""
        found = list(preloaded)
        for needed in self.objects[number].binary.needed:
            below = self.library(needed.name, number)
            if below is None:
                path = self.objects[number].path
                self.fail(f"Error loading shared library {needed.name}: {self.words} (needed by {path})")
            else:
                found.append(below)
        self.objects[number] = self.objects[number].replace(deps=tuple(found))

    def library(self, name: str, by: int | None) -> int | None:
        """load_library; None: there is none, and `words` say why."""
        if not name:
            self.words = INVALID
            return self.asked(by, name, NOWHERE)
        if musl.is_reserved(name) or name == self.loader():
            return self.asked(by, name, "the loader itself", self.itself())
        if "/" not in name:
            for number, each in enumerate(self.objects[1:], 1):
                if each.shortname == name:
                    return self.asked(by, name, ALREADY, number)
        tried = []
        for place in musl.places(name, self.chain(by), self.here.host, self.here.default_directories):
            tried.append(place.path)
            file = self.here.read(place.path)
            errno = self.here.errno(file)
            if not errno:
                return self.found(by, name, place, file, tuple(tried))
            self.words = ERRORS[errno]
            if place.rule != PATH and file.problem is not None and errno not in (2, 13, 20, 36):
                break  # path_open: "Any negative value but -1 will inhibit further path search"
        return self.asked(by, name, NOWHERE, tried=tuple(tried))

    def chain(self, by: int | None) -> list[Binary]:
        """Who needs it, who needed that one, and so on."""
        found = []
        while by is not None:
            found.append(self.objects[by].binary.replace(path=self.objects[by].path))
            by = self.objects[by].needed_by
        return found

    def found(self, by: int | None, name: str, place: Candidate, file: File, tried: tuple[str, ...]) -> int | None:
        """A file that could be opened: an object that is there, a new one, or none."""
        assert file.identity is not None
        identity = (file.identity.device, file.identity.inode)
        shortname = name if place.rule != PATH else None
        for number, each in enumerate(self.objects[1:], 1):
            if each.identity == identity:
                # "If this library was previously loaded with a pathname but a search found the same inode, setup its
                # shortname so it can be found by name."
                if each.shortname is None and shortname is not None:
                    self.objects[number] = each.replace(shortname=each.path.rpartition("/")[2])
                return self.asked(by, name, place.rule, number, tried=tried)
        self.words = IS_DIRECTORY if file.problem is not None and file.problem.code == "directory" else NO_PROGRAM
        if "NOLOAD" in self.flags or file.binary is None or file.binary.kind not in ("shared", "executable"):
            return self.asked(by, name, place.rule, tried=tried)
        if self.is_c_library(place.path):
            return self.asked(by, name, place.rule, self.itself(), tried=tried)
        self.objects.append(Object(place.path, file.binary.replace(path=place.path), identity, by, shortname))
        return self.asked(by, name, place.rule, len(self.objects) - 1, True, tried)

    def asked(
        self,
        by: int | None,
        name: str,
        rule: str,
        number: int | None = None,
        new: bool = False,
        tried: tuple[str, ...] = (),
    ) -> int | None:
        self.requests.append(Request(by, name, rule, number, new, tried))
        return number

    def loader(self) -> str | None:
        program = self.here.host.executable
        return program.interpreter if program is not None else None

    def itself(self) -> int:
        """The loader's own object, which is entered when it is asked for first."""
        path = self.loader() or ""
        for number, each in enumerate(self.objects):
            if each.path == path:
                return number
        binary = self.here.read(path).binary
        assert binary is not None
        self.objects.append(Object(path, binary, deps=()))
        return len(self.objects) - 1

    def is_c_library(self, path: str) -> bool:
        symbols = self.here.symbols(path)
        if symbols is None:
            return False
        return all(musl_symbols.supplies(symbols, name, None, self.here.hashed(name)) for name in C_LIBRARY)

    # ------------------------------------------------------------------------------------------------------- references

    def relocate(self, numbers: Iterable[int]) -> None:
        """reloc_all, do_relocs: every reference of new objects, in load order."""
        for number in numbers:
            symbols = self.here.symbols(self.objects[number].path)
            for each in self.here.referred(self.objects[number].path) if symbols is not None else ():
                assert symbols is not None
                info, _, section, _ = symbols.fields(each)
                name = symbols.name(each)
                found = number if info >> 4 == STB_LOCAL else self.look_up(name)
                if found is not None:
                    self.bindings.append(Binding(number, name, found))
                elif section != UNDEFINED or info >> 4 != STB_WEAK:
                    self.missing(number, name)

    def look_up(self, name: bytes) -> int | None:
        return supplier(Process(tuple(self.objects), tuple(self.scope), frozenset()), name, self.here)

    def missing(self, number: int, name: bytes) -> None:
        """prepare_lazy: with RTLD_LAZY what nobody has may come later, unless the object itself wants all at once."""
        binary, path = self.objects[number].binary, self.objects[number].path
        if "LAZY" in self.flags and not binary.flags & BIND_NOW:
            self.pending.append((number, name))
        else:
            self.fail(f"Error relocating {path}: {name.decode('utf-8', 'surrogateescape')}: symbol not found")

    def loses_pending(self, number: int, reach: Iterable[int]) -> bool:
        """prepare_lazy: `p->lazy_next = lazy_head; lazy_head = p`, for the object and for all that it needs. One that needs
        itself, also through others, is entered twice: it leads to itself then, and to nobody who was there before."""
        is_lazy = "LAZY" in self.flags and not self.objects[number].binary.flags & BIND_NOW
        return is_lazy and any(number in (self.objects[each].deps or ()) for each in reach)

    def retry(self) -> None:
        """redo_lazy_relocs: with what everybody sees by now."""
        left = []
        for number, name in self.pending:
            found = self.look_up(name)
            if found is None:
                left.append((number, name))
            else:
                self.bindings.append(Binding(number, name, found))
        self.pending = left
