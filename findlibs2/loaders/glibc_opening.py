"""What one dlopen(3) does to a process of the GNU C library: which objects, how found, in which scopes. Pure.

A `Process` is a value; `start` makes the first one of a program, `dlopen` the next one of that. Sources are named with the
functions of glibc that they are in. tests/oracle/rules/glibc asks the loader the same questions, one directory for a rule.

All references are taken to be bound at once (RTLD_NOW); auxiliary and filter objects (DT_AUXILIARY, DT_FILTER), audit
modules, other namespaces (dlmopen), dlclose and the kernel's own object are not looked at.
"""

from __future__ import annotations

from os.path import isabs, join

from . import glibc, glibc_binding
from .glibc_binding import NOTHING
from .glibc_finding import Finder
from .glibc_process import ALREADY, NOWHERE, Binding, Object, Opened, Process, Refusal, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from typing import Any

    from ..model import Binary, File
    from .glibc import Place
    from .glibc_process import Installation


def start(here: Installation) -> tuple[Process, Opened]:
    """The program, what LD_PRELOAD names, and what they need: elf/rtld.c, dl_main."""
    program = here.host.executable
    assert program is not None
    loading = Loading(Process((), {}, {}), here)
    loading.objects.append(Object("", program, None, (), scopes=(0,), from_start=True))
    interpreter = here.read(program.interpreter).binary if program.interpreter else None
    if interpreter is not None:
        # Its file is not remembered: it is known by its two names only.
        names = tuple(name for name in (program.interpreter, interpreter.name) if name)
        loading.objects.append(Object(interpreter.path, interpreter, None, names, None, (0,), from_start=True))
    return loading.end(lambda: begin(loading))


def begin(loading: Loading) -> int:
    # ld.so(8), LD_PRELOAD: "The items of the list can be separated by spaces or colons"; "ignored" where one is not found.
    preloaded: list[int] = []
    before = len(loading.objects)
    for name in loading.here.preload.replace(":", " ").split():
        try:
            number = loading.map(name, 0, 0)
        except Refusal:
            continue
        if number is not None and number >= before + len(preloaded):
            preloaded.append(number)
    loading.dependencies(0, preloaded)
    for number in loading.objects[0].search:
        loading.change(number, is_global=True)
    loading.check_versions(0)
    loading.bind(0)
    loading.initialise(0)
    return 0


def dlopen(
    process: Process, name: str, flags: Collection[str], here: Installation, by: int = 0
) -> tuple[Process, Opened]:
    """The process afterwards, and what was done. `flags`: "NOW", "GLOBAL", "NOLOAD", "DEEPBIND"; `by`: the calling object.

    elf/dl-open.c, dl_open_worker_begin. What is refused leaves no object behind, but the names under which old ones were
    found meanwhile are kept, and so is what is known of directories.
    """
    loading = Loading(process, here, frozenset(flags))
    return loading.end(lambda: loading.open(name, by))


class Loading:
    """The process while something is opened."""

    def __init__(self, process: Process, here: Installation, flags: frozenset[str] = frozenset()) -> None:
        self.process, self.here, self.flags = process, here, flags
        self.objects = list(process.objects)
        self.directories, self.unique = dict(process.directories), dict(process.unique)
        self.finder = Finder(here, self.directories, at_start=not process.objects)
        self.first: int | None = None  # DF_1_INITFIRST
        self.requests: list[Request] = []
        self.bindings: list[Binding] = []
        self.initialised: list[int] = []
        self.scopes: list[tuple[int, ...]] = []

    def end(self, attempt: Callable[[], int | None]) -> tuple[Process, Opened]:
        before = len(self.process.objects)
        try:
            number = attempt()
        except Refusal as refusal:
            # What was new is gone.
            pairs = zip(self.process.objects, self.objects, strict=False)
            known = tuple(old.replace(names=new.names) for old, new in pairs)
            told = self.told(refused=refusal.words, dies=refusal.dies, attempted=tuple(self.objects))
            return Process(known, self.directories, self.process.unique), told
        told = self.told(
            object=number, added=tuple(range(before, len(self.objects))), initialised=tuple(self.initialised),
            scopes=tuple(self.scopes),
        )  # fmt: skip
        return Process(tuple(self.objects), self.directories, self.unique), told

    def told(self, **facts: Any) -> Opened:
        return Opened(requests=tuple(self.requests), bindings=tuple(self.bindings), **facts)

    def change(self, number: int, **facts: object) -> None:
        self.objects[number] = self.objects[number].replace(**facts)

    def open(self, name: str, by: int) -> int | None:
        number = self.map(name, by, None)
        if number is None:
            return None
        if not self.objects[number].search:
            self.dependencies(number, ())
            self.check_versions(number)
            self.bind(number)
            self.widen(number)
            self.initialise(number)
        if "GLOBAL" in self.flags:
            self.promote(number)
        return number

    # ------------------------------------------------------------------------------------------- names and files

    def map(self, wanted: str, by: int, loader: int | None) -> int | None:
        """The object for a name, a new one where there is none: elf/dl-load.c, _dl_map_object. `loader`: of a new one."""
        for number, each in enumerate(self.objects):
            if wanted == each.path or wanted in each.names or wanted == each.binary.name:
                self.name(number, wanted)
                self.requests.append(Request(by, wanted, ALREADY, None, number))
                return number
        found = self.finder.find(wanted, by, self.objects)
        place, file = found.place, found.file
        if place is None or file is None or found.refused is not None:
            self.requests.append(Request(by, wanted, place.rule if place else NOWHERE, place, tried=found.tried))
            raise Refusal(found.refused or "")
        # _dl_map_object_from_fd: "Look again to see if the real name matched another already loaded."
        same = next((number for number, each in enumerate(self.objects) if is_same(each, file)), None)
        is_new = same is None and "NOLOAD" not in self.flags
        satisfied = len(self.objects) if is_new else same
        self.requests.append(Request(by, wanted, place.rule, place, satisfied, is_new, found.tried))
        if same is not None:
            self.name(same, wanted)
        elif is_new:
            self.require_library(file, wanted)
            self.add(wanted, place, file, loader)
        return satisfied

    def name(self, number: int, wanted: str) -> None:
        """An object answers from now on to a name by which it was found: add_name_to_object."""
        known = self.objects[number]
        if wanted not in (known.path, *known.names):
            self.change(number, names=(*known.names, wanted))

    def add(self, wanted: str, place: Place, file: File, loader: int | None) -> None:
        """elf/dl-object.c, _dl_new_object: "Add the global scope", then that of the object for which all this is opened."""
        assert file.binary is not None
        number = len(self.objects)
        root = number if loader is None else self.root(loader)
        scopes: tuple[int, ...] = (0,) if root == 0 else (0, root)
        if "DEEPBIND" in self.flags:
            scopes = scopes[::-1]
        elif "SYMBOLIC" in file.binary.flags:
            # _dl_map_object_from_fd: "Create an appropriate searchlist. It contains only this map."
            scopes = (~number, *scopes)
        # "Get the current directory name": $ORIGIN is absolute, the path that is remembered is not.
        binary = file.binary.replace(path=self.absolute(place.path))
        start = not self.process.objects
        self.objects.append(Object(place.path, binary, file.identity, (wanted,), loader, scopes, from_start=start))
        if "INITFIRST" in binary.flags:
            self.first = number

    def root(self, number: int) -> int:
        loader = self.objects[number].loader
        return number if loader is None else self.root(loader)

    def absolute(self, path: str) -> str:
        return path if isabs(path) else join(self.here.directory, path)

    def require_library(self, file: File, wanted: str) -> None:
        binary = file.binary
        assert binary is not None
        if glibc.outcome(file, self.here.host) == "fatal":
            what = "executable" if binary.kind == "executable" else "position-independent executable"
            raise Refusal(f"{wanted}: cannot dynamically load {what}")

    # ---------------------------------------------------------------------------------- dependencies, scopes, order

    def dependencies(self, top: int, preloaded: Sequence[int]) -> None:
        """elf/dl-deps.c, _dl_map_object_deps: "a flat, ordered list that represents a breadth-first search"."""
        listed = [top, *preloaded]
        for number in listed:
            binary, children = self.objects[number].binary, []
            for needed in binary.needed:
                child = self.map(self.expanded(needed.name, binary), number, number)
                if child is None:
                    continue
                children.append(child)
                if child not in listed:
                    listed.append(child)
            known = self.objects[number]
            if number != top and not known.search and not known.order:
                self.change(number, order=(number, *children))
        order = glibc_binding.ordered(listed, self.objects, self.here)
        self.change(top, search=tuple(listed), order=order)

    def expanded(self, name: str, binary: Binary) -> str:
        """Tokens in a DT_NEEDED are replaced before anything else, also in one that is no path: expand_dst."""
        if "$" not in name:
            return name
        here = self.here
        tokens = glibc.Seeker(here.host, here.default_directories, here.processor, glibc.holds_nothing).tokens(binary)
        found = glibc.expand(name, tokens)
        if not found:
            raise Refusal(f"{binary.path}: empty dynamic string token substitution")
        return found

    def check_versions(self, top: int) -> None:
        """elf/dl-version.c, _dl_check_map_versions, of every new object; of a program's in load order."""
        for number in range(len(self.objects)) if top == 0 else self.objects[top].search:
            if number >= len(self.process.objects) and number != 1:
                glibc_binding.check_versions(number, self.objects, self.here)

    def bind(self, top: int) -> None:
        """elf/dl-open.c: in the order of the constructors, none of which has run."""
        self.scopes = glibc_binding.lists(top, self.objects)
        for number in reversed(self.objects[top].order):
            if number >= len(self.process.objects) and number != 1:
                self.bindings += glibc_binding.bind(number, self.objects, self.unique, self.here)

    def widen(self, top: int) -> None:
        """update_scopes: "If the file is not loaded now as a dependency, add the search list of the newly loaded object"."""
        for number in self.objects[top].search:
            known = self.objects[number]
            if known.initialised and not known.from_start and top not in known.scopes:
                self.change(number, scopes=(*known.scopes, top))

    def initialise(self, top: int) -> None:
        """elf/dl-init.c, _dl_init: what is needed comes first, and before all that an object with DF_1_INITFIRST."""
        order = self.objects[top].order[::-1]
        for number in order if self.first is None else (self.first, *order):
            if not self.objects[number].initialised:
                self.change(number, initialised=True)
                self.initialised.append(number)

    def promote(self, top: int) -> None:
        """add_to_global_update: it and all that it needs, behind what is global already; nothing is bound anew."""
        fresh = [number for number in self.objects[top].search if not self.objects[number].is_global]
        for number in fresh:
            self.change(number, is_global=True)
        self.change(0, search=(*self.objects[0].search, *fresh))


def is_same(known: Object, file: File) -> bool:
    """One device and inode."""
    one, other = known.identity, file.identity
    return one is not None and other is not None and (one.device, one.inode) == (other.device, other.inode)


def dlsym(process: Process, symbol: bytes, version: bytes | None, opened: int | None, here: Installation) -> int | None:
    """Whose symbol a program gets, in what it has opened (None: RTLD_DEFAULT); None: nobody's."""
    objects = process.objects
    scope = objects[opened or 0].search
    wish = NOTHING.replace(name=symbol, version=version, by_program=True)
    return glibc_binding.look_up(wish, [scope], objects, dict(process.unique), here)


def supplier(process: Process, number: int, symbol: bytes, version: bytes | None, here: Installation) -> int | None:
    """Which object would supply a reference of one that is open; None: nobody."""
    wish = NOTHING.replace(name=symbol, version=version)
    lists = glibc_binding.lists(number, process.objects)
    return glibc_binding.look_up(wish, lists, process.objects, dict(process.unique), here)
