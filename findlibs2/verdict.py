"""Plan and symbol tables -> Verdict; one small function for each check. Pure. Cold.

What `link` found missing is explained here: who wants it, who should have it.
"""

from __future__ import annotations

from . import demands, expecting, link, underlinking
from .findings import MissingSymbols, MissingVersion, UnversionedProvider, VersionsOfAbsent
from .formats.elf_symbols import gnu_hash
from .linked import Closure, Disk, linked
from .loaders import glibc_symbols
from .model import Finding, Host, Loaded, Plan, Step, Verdict
from .notes import LoadedElsewhere, UnderLinked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .formats.elf_symbols import Symbols

NO_ASSERTION = (2, 41)  # glibc: since then a provider without versions ends no process (elf/dl-lookup.c, check_match)


def judge(
    plan: Plan,
    host: Host,
    loaded: tuple[Loaded, ...] | None,
    disk: Disk,
) -> Verdict:
    """The verdict on a plan. `loaded`: the objects of the process; None: unknown."""
    closure = linked(plan, host, loaded, disk)
    everything = not supply_is_unknown(closure, loaded)
    unmet = looked_up(closure, {path: symbols for path, symbols in closure.tables.items() if symbols is not None})
    missing = missing_symbols(closure, unmet)
    doubtful = [each for each in missing if each.absent is None] if not everything else []
    found = [
        *demands.floors(missing_versions(closure, host, everything), plan, host),
        *under_linked(closure),
    ]
    found += demands.judge(plan, host, loaded, closure.tables, disk.demands)
    unknown = unchecked(closure, loaded)
    if doubtful:
        count = sum(len(each.symbols) for each in doubtful)
        unknown = (
            *unknown,
            f"{count} {'symbol' if count == 1 else 'symbols'} that a library which could not be read may have",
        )
        missing = [each for each in missing if each.absent is not None]
    of_plan = (fitted(closure, each, unmet) if everything else each for each in plan.findings)
    return Verdict(plan, (*of_plan, *missing, *found), unknown)


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
    groups: dict[tuple[str, str | None, str | None], list[str]] = {}
    for each in missing:
        for path in each.by:
            names = groups.setdefault((path, *expected(closure, path, each)), [])
            names.append(spelled(each.name, each.version))
    return [explained(closure, *key, names) for key, names in groups.items()]


def under_linked(closure: Closure) -> Iterator[UnderLinked]:
    """What a file finds, and not in what it needs; of a file that leads to something unknown nothing is said."""
    known: dict[str, list[str | None]] = {}

    def needed(path: str) -> list[str | None]:
        if path not in known:
            known[path] = closure.led_to(path)
        return known[path]

    importers, reach = {}, {}
    for path, symbols in closure.tables.items():
        inside = underlinking.reached(path, needed)
        if symbols is not None and inside is not None and all(closure.symbols(each) for each in inside):
            importers[path], reach[path] = symbols, frozenset((*inside, *closure.everywhere))
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


def explained(
    closure: Closure, path: str, supplier: str | None, absent: str | None, names: list[str]
) -> MissingSymbols:
    owners = {step.path: step.package for step in closure.plan.steps}
    return MissingSymbols(
        path,
        tuple(sorted(names)),
        owners.get(path),
        supplier,
        owners.get(supplier) if supplier is not None else None,
        len(sorted_exports(closure, supplier)) if supplier is not None else 0,
        absent,
    )


def expected(closure: Closure, path: str, missing: link.Missing) -> tuple[str | None, str | None]:
    """The library that should have had the symbol, or the name of an absent one that perhaps has it.

    It is that of the file that the version is wanted of; else, of those that the file needs, a guess, for people. Where one
    of these is absent the others are taken for it only if they have the same class.
    """
    absent = closure.absent(path)
    if missing.file is not None:
        wanted = text(missing.file)
        return closure.path_of(wanted), wanted if wanted in absent else None
    found = expecting.likeliest(
        missing.name, needed(closure, path), lambda each: sorted_exports(closure, each), closely=bool(absent)
    )
    return found, absent[0] if absent and found is None else None


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
