"""Plan and symbol tables -> Verdict; one small function for each check. Pure. Cold.

What `link` found missing is explained here: who wants it, who should have it.
"""

from __future__ import annotations

from bisect import bisect
from os.path import basename

from . import demands, link
from .findings import CountersDiffer, MissingSymbols, MissingVersion, UnversionedProvider, VersionsOfAbsent
from .formats.elf_symbols import gnu_hash
from .loaders import glibc_symbols
from .model import Finding, Host, Loaded, Package, Plan, Record, Step, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .formats.elf_demands import Demands
    from .formats.elf_symbols import Symbols

NO_ASSERTION = (2, 41)  # glibc: since then a provider without versions ends no process (elf/dl-lookup.c, check_match)


class Closure(Record):
    """The files of a plan and of the process, with their symbols."""

    plan: Plan
    tables: dict[str, Symbols | None]  # by path, of the steps; None: they cannot be read
    around: dict[str, str]  # DT_SONAME -> path, of what is in the process
    read: Callable[[str], Symbols | None]
    referred: Callable[[str], frozenset[int] | None]
    exports: dict[str, list[bytes]]  # by path, sorted, of those that were asked for
    looked_up: dict[str, set[bytes] | None]  # likewise; None: cannot be told

    def named(self, name: bytes) -> Symbols | None:
        """The one that the loader would take for a name: in the process, or in the plan."""
        path = self.path_of(name.decode("utf-8", "surrogateescape"))
        return self.symbols(path) if path is not None else None

    def path_of(self, name: str) -> str | None:
        in_plan = (
            step.path for step in self.plan.steps if step.file.binary is not None and step.file.binary.name == name
        )
        return next(in_plan, None) or self.around.get(name)

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

    def everything(self) -> Iterator[Symbols]:
        """All that could supply a symbol: the plan, then the process."""
        for path in (*self.tables, *self.around.values()):
            symbols = self.symbols(path)
            if symbols is not None:
                yield symbols


def judge(
    plan: Plan,
    host: Host,
    loaded: tuple[Loaded, ...] | None,
    read: Callable[[str], Symbols | None],
    referred: Callable[[str], frozenset[int] | None],
    wants: Callable[[str], Demands | None],
) -> Verdict:
    """The verdict on a plan. `loaded`: the objects of the process; None: unknown. `read`: the symbols of a file;
    `referred`: the numbers of those that its relocations refer to; `wants`: what it demands of the process."""
    around = {each.name or basename(each.path): each.path for each in loaded or () if each.path}
    closure = Closure(plan, {step.path: read(step.path) for step in plan.steps}, around, read, referred, {}, {})
    everything = not supply_is_unknown(closure, loaded)
    found = [*demands.floors(missing_versions(closure, host, everything), plan, host), *counters(plan.packages)]
    found += demands.judge(plan, host, loaded, closure.tables, wants)
    unknown = unchecked(closure, loaded)
    missing = missing_symbols(closure)
    if missing and not everything:
        count = sum(len(each.symbols) for each in missing)
        unknown = (
            *unknown,
            f"{count} {'symbol' if count == 1 else 'symbols'} that a library which could not be read may have",
        )
        missing = []
    return Verdict(plan, (*plan.findings, *missing, *found), unknown)


# ------------------------------------------------------------------------------------------------------------- symbols


def missing_symbols(closure: Closure) -> list[MissingSymbols]:
    """What is missing, by the file that refers to it and by the one that should have it."""
    importers = {path: symbols for path, symbols in closure.tables.items() if symbols is not None}
    groups: dict[tuple[str, str | None], list[str]] = {}
    for each in link.missing(importers, closure.everything(), closure.named):
        for path in (path for path in each.by if closure.is_looked_up(path, each.name)):
            groups.setdefault((path, expected(closure, path, each)), []).append(spelled(each))
    return [explained(closure, path, supplier, names) for (path, supplier), names in groups.items()]


def spelled(missing: link.Missing) -> str:
    words = (word.decode("utf-8", "backslashreplace") for word in (missing.name, missing.version) if word is not None)
    return "@".join(words)


def explained(closure: Closure, path: str, supplier: str | None, names: list[str]) -> MissingSymbols:
    owners = {step.path: step.package for step in closure.plan.steps}
    return MissingSymbols(
        path,
        tuple(sorted(names)),
        owners.get(path),
        supplier,
        owners.get(supplier) if supplier is not None else None,
        len(sorted_exports(closure, supplier)) if supplier is not None else 0,
    )


def expected(closure: Closure, path: str, missing: link.Missing) -> str | None:
    """The library that should have had the symbol: of the file that its version is wanted of; else, of those that the file
    needs, the one that defines most of the same class or namespace. A guess, for people."""
    if missing.file is not None:
        return closure.path_of(text(missing.file))
    suppliers = needed(closure, path)
    for scope in scopes(missing.name):
        counts = [(within(sorted_exports(closure, each), scope), each) for each in suppliers]
        count, best = max(counts, key=lambda pair: pair[0], default=(0, None))
        if count:
            return best
    return None


def scopes(name: bytes) -> Iterator[bytes]:
    """What the names of the same class, then of its namespaces, begin with; of a plain name the words before the last.

    Itanium C++ ABI, 5.1.2: a nested name is N, qualifiers, and each part behind its length.
    """
    if not name.startswith(b"_Z"):
        ends = [place + 1 for place, char in enumerate(name) if char == ord("_") and place]
    else:
        start = name.find(b"N", 2) + 1
        start += len(name[start:]) - len(name[start:].lstrip(b"KVrRO"))
        ends = []
        while (end := behind(name, ends[-1] if ends else start)) is not None:
            ends.append(end)
        ends = ends[:-1]
    return (name[:end] for end in reversed(ends))


def behind(name: bytes, place: int) -> int | None:
    """Where a part of a name ends that begins with its length there; None: none does."""
    digits = len(name[place:]) - len(name[place:].lstrip(b"0123456789"))
    return place + digits + int(name[place : place + digits]) if digits else None


def within(names: list[bytes], scope: bytes) -> int:
    """How many of sorted names begin so."""
    return bisect(names, scope + b"\xff") - bisect(names, scope)


def needed(closure: Closure, path: str) -> list[str]:
    """The files that a file needs directly, in its order; those of the system come last."""
    binary = next((step.file.binary for step in closure.plan.steps if step.path == path), None)
    paths = [closure.path_of(each.name) for each in binary.needed] if binary is not None else []
    return sorted((each for each in paths if each is not None), key=lambda each: each not in closure.tables)


def sorted_exports(closure: Closure, path: str) -> list[bytes]:
    if path not in closure.exports:
        symbols = closure.symbols(path)
        closure.exports[path] = sorted(symbols.exports()) if symbols is not None else []
    return closure.exports[path]


# ------------------------------------------------------------------------------------------------------------ versions


def missing_versions(closure: Closure, host: Host, everything: bool) -> Iterator[Finding]:
    """elf/dl-version.c, match_symbol: an object that lacks a version which is wanted of it is an error, even lazily.

    `everything`: all that will be in the process is known.
    """
    for step in closure.plan.steps:
        symbols = closure.tables[step.path]
        wanted = symbols.needed_versions() if symbols is not None else []
        absent = {file for file, _, _ in wanted if everything and is_absent(closure, step, file)}
        for file in sorted(absent) if host.libc == "glibc" else ():
            yield VersionsOfAbsent(step.path, text(file), step.package)
        for file, version, weak in wanted:
            supplier = closure.path_of(text(file))
            defined = closure.symbols(supplier) if supplier is not None else None
            if supplier is not None and defined is not None and not weak and glibc_symbols.lacks(defined, version):
                yield missing_version(step, file, version, supplier, defined)
        if host.libc == "glibc" and host.libc_version < NO_ASSERTION and symbols is not None:
            yield from aborts(closure, step, symbols)


def is_absent(closure: Closure, step: Step, file: bytes) -> bool:
    """Whether versions are wanted of a file that nobody brings. What is in DT_NEEDED and missing is told as such."""
    binary = step.file.binary
    asked_for = binary is not None and text(file) in [each.name for each in binary.needed]
    return not asked_for and closure.path_of(text(file)) is None


def text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def missing_version(step: Step, file: bytes, version: bytes, supplier: str, defined: Symbols) -> MissingVersion:
    family = version.rpartition(b"_")[0] + b"_"
    rivals = (each for each in defined.defined_versions() if each.startswith(family) and digits(each[len(family) :]))
    newest = max(rivals, key=lambda each: digits(each[len(family) :]), default=None)
    wanted, of = (each.decode("utf-8", "backslashreplace") for each in (version, file))
    return MissingVersion(
        step.path, wanted, of, supplier, newest.decode() if newest is not None else None, step.package
    )


def digits(version: bytes) -> tuple[int, ...]:
    """ "2.38" as numbers; () where it is something else."""
    parts = version.split(b".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else ()


def aborts(closure: Closure, step: Step, symbols: Symbols) -> Iterator[UnversionedProvider]:
    """The files of which versions are wanted, and that have the symbols and no versions.

    The search ends the process only where it comes to that file: not where another one has the symbol before.
    """
    hit: dict[str, set[str]] = {}
    for name, version, file, _ in symbols.imports():
        path = closure.path_of(text(file)) if file is not None else None
        supplier = closure.symbols(path) if path is not None else None
        if path is None or supplier is None or version is None or supplier.versym:
            continue
        hashed = gnu_hash(name)
        elsewhere = (each for each in closure.everything() if each is not supplier)
        if glibc_symbols.aborts(supplier, name, hashed) and not any(
            glibc_symbols.supplies(each, name, version, hashed) for each in elsewhere
        ):
            hit.setdefault(path, set()).add(version.decode("utf-8", "backslashreplace"))
    return (UnversionedProvider(step.path, path, tuple(sorted(names)), step.package) for path, names in hit.items())


# ------------------------------------------------------------------------------------------------------------ counters


def counters(packages: Sequence[Package]) -> list[CountersDiffer]:
    """The fourth part of a wrapper's version counts the releases of the whole stack."""
    known = [(package.name, package.version) for package in packages if package.version is not None]
    counted = [(name, version) for name, version in known if version.count(".") == 3]
    different = {version.rpartition(".")[2] for _, version in counted}
    return [CountersDiffer(tuple(counted))] if len(different) > 1 else []


# ------------------------------------------------------------------------------------------------------- what is unknown


def unchecked(closure: Closure, loaded: tuple[Loaded, ...] | None) -> tuple[str, ...]:
    said = [f"the symbols of {path}" for path, symbols in closure.tables.items() if symbols is None]
    said += (f"{name}, which only the loader can find" for name in closure.plan.left_to_loader)
    if loaded is None:
        said.append("the libraries in this process")
    return tuple(said)


def supply_is_unknown(closure: Closure, loaded: tuple[Loaded, ...] | None) -> bool:
    """Whether a symbol may be where nobody could look."""
    return loaded is None or bool(closure.plan.left_to_loader) or None in closure.tables.values()
