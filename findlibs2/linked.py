"""The files of a plan and of the process, as far as a verdict asks about them. Pure. Cold."""

from __future__ import annotations

from os.path import basename

from .findings import MissingLibrary
from .loaders import glibc_symbols, musl_symbols
from .model import File, Host, Loaded, Plan, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from .formats.elf_demands import Demands
    from .formats.elf_symbols import Symbols


class Disk(Record):
    """What may be asked about a file, by its path. None: it cannot be read."""

    symbols: Callable[[str], Symbols | None]
    referred: Callable[[str], frozenset[int] | None]  # numbers of the symbols that its relocations refer to
    headers: Callable[[str], File]
    demands: Callable[[str], Demands | None]


class Closure(Record):
    """The files of a plan and of the process, with their symbols."""

    plan: Plan
    tables: dict[str, Symbols | None]  # by path, of the steps; None: they cannot be read
    around: dict[str, str]  # DT_SONAME -> path, of what is in the process
    names: dict[str, str]  # likewise, of all; what the plan opens goes first
    read: Callable[[str], Symbols | None]
    referred: Callable[[str], frozenset[int] | None]
    headers: Callable[[str], File]
    exports: dict[str, list[bytes]]  # by path, sorted, of those that were asked for
    looked_up: dict[str, set[bytes] | None]  # likewise; None: cannot be told
    rules: ModuleType  # what the host's loader takes for a reference
    everywhere: tuple[str, ...]  # paths of what is in every scope: the running program, and its loader

    def named(self, name: bytes) -> Symbols | None:
        """The one that the loader would take for a name: in the process, or in the plan."""
        path = self.path_of(name.decode("utf-8", "surrogateescape"))
        return self.symbols(path) if path is not None else None

    def path_of(self, name: str) -> str | None:
        return self.names.get(name)

    def symbols(self, path: str) -> Symbols | None:
        return self.tables[path] if path in self.tables else self.read(path)

    def is_looked_up(self, path: str, name: bytes) -> bool:
        """Whether a relocation of the file refers to the symbol: a loader looks up these, and no others."""
        if path not in self.looked_up:
            symbols, numbers = self.symbols(path), self.referred(path)
            if symbols is None or numbers is None:
                self.looked_up[path] = None
            else:
                self.looked_up[path] = {symbols.name(each) for each in numbers if each < symbols.count}
        names = self.looked_up[path]
        return names is None or name in names

    def everything(self) -> Iterator[tuple[str, Symbols]]:
        """All that could supply a symbol, by path: the plan, then the process."""
        for path in (*self.tables, *self.around.values()):
            symbols = self.symbols(path)
            if symbols is not None:
                yield path, symbols

    def led_to(self, path: str) -> list[str | None]:
        """The files that a file needs directly, in its order; None: it is unknown which one that is."""
        needed = self.needed(path)
        return [self.path_of(each) for each in needed] if needed is not None else [None]

    def needed(self, path: str) -> list[str] | None:
        """The names that a file needs, in its order; None: they are unknown."""
        steps = (step.file.binary for step in self.plan.steps if step.path == path)
        binary = next(steps, None) or self.headers(path).binary
        return [each.name for each in binary.needed] if binary is not None else None

    def absent(self, path: str) -> list[str]:
        """Those of them that are nowhere to be found."""
        missing = {each.name for each in self.plan.findings if isinstance(each, MissingLibrary)}
        return [name for name in self.needed(path) or () if name in missing] if missing else []


def rules(host: Host) -> ModuleType:
    """What the host's loader takes for a reference. musl's knows no versions."""
    return musl_symbols if host.libc == "musl" else glibc_symbols


def linked(plan: Plan, host: Host, loaded: tuple[Loaded, ...] | None, disk: Disk) -> Closure:
    """All that is asked about, by path and by name."""
    around = {each.name or basename(each.path): each.path for each in loaded or () if each.path}
    program = host.executable.path if host.executable is not None and loaded is not None else None
    if program is not None and program not in around.values():  # in the loader's list its path is ""
        around[program] = program
    loader = around.get(basename(host.executable.interpreter or "")) if host.executable is not None else None
    everywhere = tuple(path for path in (program, loader) if path is not None)
    tables = {step.path: disk.symbols(step.path) for step in plan.steps}
    opened = {step.file.binary.name or step.path: step.path for step in reversed(plan.steps) if step.file.binary}
    names, asked = {**around, **opened}, (disk.symbols, disk.referred, disk.headers)
    return Closure(plan, tables, around, names, *asked, {}, {}, rules(host), everywhere)
