"""Findings about symbols and versions -> words. Cold."""

from __future__ import annotations

from collections.abc import Sequence

from . import demangle, findings, notes, releases, wording
from .wording import Words, library, reinstall, shown, wheel

SHOWN = 5  # symbols of one finding; there may be thousands
BY_NAME = "; what they share is checked by name alone"  # what a name means may have changed: nothing in the files tells


def missing_symbols(finding: findings.MissingSymbols) -> Words:
    return Words(
        f"{library(finding.path)} needs {count(finding.symbols)} that "
        + (f"{library(finding.expected_in)} does not have" if finding.expected_in is not None else "no library has"),
        (
            *listed(finding.symbols),
            ("wanted by", shown(finding.path), wheel(finding.package)),
            *expected_in(finding),
            *((("perhaps of", shown(finding.absent), "which is missing"),) if finding.absent is not None else ()),
            *counters_of([finding.package], finding.expected_package),
        ),
        reinstall(finding.package) if finding.package == finding.expected_package else None,
    )


def missing_together(found: Sequence[findings.MissingSymbols]) -> Words:
    """What several files miss of one package, or nobody has; told at once."""
    symbols = sorted({symbol for each in found for symbol in each.symbols})
    package = found[0].expected_package
    wanted_by, expected = by_file(found, "path", "package"), by_file(found, "expected_in", "expected_package")
    return Words(
        f"{len(wanted_by)} {'libraries need' if len(wanted_by) > 1 else 'library needs'} {count(symbols)} that "
        + (f"{wheel(package)} does not have" if package is not None else "no library has"),
        (
            *listed(symbols),
            *(("wanted by", *row) for row in wanted_by),
            *(("expected in", *row) for row in expected),
            *counters_of([each.package for each in found], package),
        ),
    )


def by_file(found: Sequence[findings.MissingSymbols], path: str, package: str) -> list[tuple[str, str]]:
    """The files that a field of the findings names, each with its package, and how many symbols it is about."""
    names: dict[str, set[str]] = {}
    owners = {getattr(each, path): getattr(each, package) for each in found}
    for each in found:
        names.setdefault(getattr(each, path), set()).update(each.symbols)
    return [
        (shown(file), f"{wheel(owners[file])}  ({len(of):,} of them)".strip())
        for file, of in names.items()
        if file is not None
    ]


def count(symbols: Sequence[str]) -> str:
    return f"{len(symbols):,} {'symbol' if len(symbols) == 1 else 'symbols'}"


def listed(symbols: Sequence[str]) -> list[tuple[str]]:
    """Of many the shortest, each with its meaning where the process can tell it."""
    demangled = demangle.names(symbols if len(symbols) <= SHOWN else sorted(symbols, key=len)[:SHOWN])
    more = [(f"... and {len(symbols) - SHOWN:,} more",)] if len(symbols) > SHOWN else []
    return [*((shown(name) + (f"   {shown(plain)}" if plain != name else ""),) for name, plain in demangled), *more]


def several_providers(finding: notes.SeveralProviders) -> Words:
    return Words(
        f"several packages bring {shown(finding.name)}, of different content; one of them serves all",
        (
            ("taken", shown(finding.taken)),
            *(("left out", shown(path)) for path in finding.others),
            *(("which has", name) for (name,) in listed(finding.missed)),
            *((("so", "nothing is missing because of that"),) if not finding.missed else ()),
        ),
    )


def fits(finding: notes.LoadedElsewhere) -> list[tuple[str, ...]]:
    """Whether what is in the process can stand in for what was expected, where that was looked at."""
    if finding.lacks is None:
        return []
    if not finding.lacks:
        return [("so", "it has all that is wanted of the other one")]
    return [("lacks", name) for (name,) in listed(finding.lacks)]


def under_linked(finding: notes.UnderLinked) -> Words:
    what, whose = f"{library(finding.path)} uses {count(finding.symbols)}", library(finding.found_in)
    return Words(
        f"{what} of {whose}, which it does not say it needs",
        (
            *listed(finding.symbols),
            ("wanted by", shown(finding.path)),
            ("found in", shown(finding.found_in)),
        ),
    )


def expected_in(finding: findings.MissingSymbols) -> tuple[tuple[str, ...], ...]:
    if finding.expected_in is None:
        return ()
    exports = f"exports {finding.exports:,} symbols; not {'these' if len(finding.symbols) > 1 else 'this one'}"
    return (("expected in", shown(finding.expected_in), f"{wheel(finding.expected_package)}  ({exports})".strip()),)


def counters_of(packages: Sequence[str | None], supplier: str | None) -> tuple[tuple[str, ...], ...]:
    """When wrappers were released, and the one that should have what they want, if that was not together."""
    theirs = releases.counter(wording.version(supplier)) if supplier is not None else None
    others: dict[str, list[str]] = {}
    for package in dict.fromkeys(packages):
        counter = releases.counter(wording.version(package)) if package is not None else None
        if package is not None and counter is not None and counter != theirs:
            others.setdefault(counter, []).append(shown(package))
    if theirs is None or not others:
        return ()
    told = [f"{', '.join(names)} with counter {counter}" for counter, names in others.items()]
    return (("released", f"{', '.join(told)}, {shown(str(supplier))} with {theirs}"),)


def missing_version(finding: findings.MissingVersion) -> Words:
    newest = f"defines {finding.newest} at most" if finding.newest else "does not define it"
    return Words(
        f"{library(finding.path)} needs {shown(finding.version)} of {shown(finding.of)}, which is too old or another",
        (
            ("wanted by", shown(finding.path), wheel(finding.package)),
            ("expected in", shown(finding.supplier), newest),
        ),
    )


def unversioned_provider(finding: findings.UnversionedProvider) -> Words:
    return Words(
        f"{library(finding.supplier)} has no symbol versions, and {library(finding.path)} wants some of it",
        (
            ("wanted by", shown(finding.path), wheel(finding.package)),
            ("without versions", shown(finding.supplier), ""),
            ("wanted", ", ".join(map(shown, finding.versions)), "the loader of this system ends the process here"),
        ),
    )


def versions_of_absent(finding: findings.VersionsOfAbsent) -> Words:
    return Words(
        f"{library(finding.path)} wants versions of {shown(finding.of)}, which it does not need and nobody brings",
        (
            ("file", shown(finding.path), wheel(finding.package)),
            ("so", "the loader of this system ends the process here"),
        ),
        reinstall(finding.package),
    )


def counters_differ(finding: notes.CountersDiffer) -> Words:
    told = {each.package: again(each) for each in finding.rebuilt}
    return Words(
        "wrappers of this stack were released at different times"
        + (", from the same sources" if finding.same_sources else BY_NAME),
        tuple((shown(name), shown(version), told.get(name, "")) for name, version in finding.packages),
    )


SOURCES = {True: "the same commit", False: "another commit", None: "the same version, another counter"}


def again(rebuilt: notes.Rebuilt) -> str:
    return f"{shown(rebuilt.asked_for)} is asked for: {SOURCES[rebuilt.same_source]}"


def requirement_unmet(finding: notes.RequirementUnmet) -> Words:
    by = [f"{shown(name)} {shown(version)}" for name, version in finding.asked_by]
    more = f" and {len(by) - 2} more" if len(by) > 2 else ""
    return Words(
        f"installed packages ask for other versions than are there{BY_NAME}",
        (
            (
                f"{shown(finding.package)} {shown(finding.version)}",
                f"asked for {shown(finding.requirement)}",
                f"by {', '.join(by[:2])}{more}",
            ),
        ),
    )
