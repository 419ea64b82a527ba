"""Plan and symbol tables -> Verdict; one small function for each check. Pure. Cold.

What `link` found missing is explained here: who wants it, who should have it.
"""

from __future__ import annotations

from os.path import basename

from . import expecting, link, underlinking
from .findings import (
    LoadedElsewhere,
    MissingSymbols,
    MissingVersion,
    UnderLinked,
    UnversionedProvider,
    VersionsOfAbsent,
)
from .formats.elf_symbols import gnu_hash
from .loaders import glibc_symbols
from .model import File, Finding, Host, Loaded, Plan, Record, Step, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import ModuleType

    from .formats.elf_symbols import Symbols

NO_ASSERTION = (2, 41)  # glibc: since then a provider without versions ends no process (elf/dl-lookup.c, check_match)


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
    rules: ModuleType = glibc_symbols  # what the loader takes for a reference

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
        steps = (step.file.binary for step in self.plan.steps if step.path == path)
        binary = next(steps, None) or self.headers(path).binary
        return [self.path_of(each.name) for each in binary.needed] if binary is not None else [None]


def judge(
    plan: Plan,
    host: Host,
    loaded: tuple[Loaded, ...] | None,
    read: Callable[[str], Symbols | None],
    referred: Callable[[str], frozenset[int] | None],
    headers: Callable[[str], File],
) -> Verdict:
    """The verdict on a plan. `loaded`: the objects of the process; None: unknown. `read`: the symbols of a file;
    `referred`: the numbers of those that its relocations refer to; `headers`: what else it says."""
    around = {each.name or basename(each.path): each.path for each in loaded or () if each.path}
    program = host.executable.path if host.executable is not None and loaded is not None else None
    if program is not None and program not in around.values():  # in the loader's list its path is ""
        around[program] = program
    tables = {step.path: read(step.path) for step in plan.steps}
    opened = {step.file.binary.name or step.path: step.path for step in reversed(plan.steps) if step.file.binary}
    closure = Closure(plan, tables, around, {**around, **opened}, read, referred, headers, {}, {}, rules(host))
    everything = not supply_is_unknown(closure, loaded)
    unmet = looked_up(closure, {path: symbols for path, symbols in tables.items() if symbols is not None})
    missing = missing_symbols(closure, unmet)
    found = [*missing_versions(closure, host, everything), *under_linked(closure, program)]
    unknown = unchecked(closure, loaded)
    if missing and not everything:
        count = sum(len(each.symbols) for each in missing)
        unknown = (
            *unknown,
            f"{count} {'symbol' if count == 1 else 'symbols'} that a library which could not be read may have",
        )
        missing = []
    of_plan = (fitted(closure, each, unmet) if everything else each for each in plan.findings)
    return Verdict(plan, (*of_plan, *missing, *found), unknown)


def rules(host: Host) -> ModuleType:
    """What the host's loader takes for a reference. musl's knows no versions."""
    if host.libc == "musl":
        from .loaders import musl_symbols

        return musl_symbols
    return glibc_symbols


# ------------------------------------------------------------------------------------------------------------- symbols


def looked_up(closure: Closure, importers: Mapping[str, Symbols]) -> list[link.Missing]:
    """What nobody has of that which the importers (by path) refer to."""
    supplying = (symbols for _, symbols in closure.everything())
    return without_unused(closure, link.missing(importers, supplying, closure.named, closure.rules))


def without_unused(closure: Closure, missing: Iterable[link.Missing]) -> list[link.Missing]:
    """Without what only stands in a table, which no loader looks up."""
    used = (
        each.replace(by=tuple(path for path in each.by if closure.is_looked_up(path, each.name))) for each in missing
    )
    return [each for each in used if each.by]


def missing_symbols(closure: Closure, missing: Iterable[link.Missing]) -> list[MissingSymbols]:
    """What is missing, by the file that refers to it and by the one that should have it."""
    groups: dict[tuple[str, str | None], list[str]] = {}
    for each in missing:
        for path in each.by:
            groups.setdefault((path, expected(closure, path, each)), []).append(spelled(each.name, each.version))
    return [explained(closure, path, supplier, names) for (path, supplier), names in groups.items()]


def under_linked(closure: Closure, program: str | None) -> Iterator[UnderLinked]:
    """What a file finds, and not in what it needs; of a file that leads to something unknown nothing is said.

    `program`: the running one. It is in every scope, and no file can say that it needs it.
    """
    known: dict[str, list[str | None]] = {}

    def needed(path: str) -> list[str | None]:
        if path not in known:
            known[path] = closure.led_to(path)
        return known[path]

    importers, reach = {}, {}
    for path, symbols in closure.tables.items():
        inside = underlinking.reached(path, needed)
        if symbols is not None and inside is not None and all(closure.symbols(each) for each in inside):
            importers[path], reach[path] = symbols, frozenset((*inside, *((program,) if program is not None else ())))
    by: dict[str, list[tuple[str, str]]] = {}
    for path, name, version, who in underlinking.outside(importers, reach, closure.everything(), closure.rules):
        if closure.is_looked_up(path, name):
            by.setdefault(path, []).append((who, spelled(name, version)))
    return (finding for path, found in by.items() for finding in underlinking.told(path, found))


def fitted(closure: Closure, finding: Finding, missing: Iterable[link.Missing]) -> Finding:
    """Of a library that is in the process from elsewhere, whether it has what is wanted of the one that was expected."""
    if not isinstance(finding, LoadedElsewhere):
        return finding
    here, other = closure.symbols(finding.loaded), closure.symbols(finding.expected)
    if here is None or other is None:
        return finding
    symbols = [
        spelled(each.name, each.version)
        for each in missing
        if underlinking.supplier(each, {finding.expected: other}, closure.rules) is not None
    ]
    versions = {
        version.decode("utf-8", "backslashreplace")
        for table in closure.tables.values()
        for file, version, weak in (table.needed_versions() if table is not None else ())
        if text(file) == finding.name and not weak
        if closure.rules.lacks(here, version) and not closure.rules.lacks(other, version)
    }
    return finding.replace(lacks=(*sorted(symbols), *sorted(versions)))


def spelled(name: bytes, version: bytes | None) -> str:
    words = (word.decode("utf-8", "backslashreplace") for word in (name, version) if word is not None)
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
    needs, a guess, for people."""
    if missing.file is not None:
        return closure.path_of(text(missing.file))
    return expecting.likeliest(missing.name, needed(closure, path), lambda each: sorted_exports(closure, each))


def needed(closure: Closure, path: str) -> list[str]:
    """The files that a file needs directly, in its order; those of the system come last."""
    return sorted(
        (each for each in closure.led_to(path) if each is not None), key=lambda each: each not in closure.tables
    )


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
            if supplier is not None and defined is not None and not weak and closure.rules.lacks(defined, version):
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
        elsewhere = (each for _, each in closure.everything() if each is not supplier)
        if glibc_symbols.aborts(supplier, name, hashed) and not any(
            glibc_symbols.supplies(each, name, version, hashed) for each in elsewhere
        ):
            hit.setdefault(path, set()).add(version.decode("utf-8", "backslashreplace"))
    return (UnversionedProvider(step.path, path, tuple(sorted(names)), step.package) for path, names in hit.items())


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
