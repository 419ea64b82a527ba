"""Findings about symbols and versions -> words. Cold."""

from __future__ import annotations

from . import demangle, findings, metadata
from .wording import Words, library, quoted, reinstall, shown, wheel

SHOWN = 5  # symbols of one finding; there may be thousands


def missing_symbols(finding: findings.MissingSymbols) -> Words:
    count = len(finding.symbols)
    demangled = demangle.names(finding.symbols[:SHOWN])
    more = ((f"... and {count - SHOWN:,} more",),) if count > SHOWN else ()
    return Words(
        f"{library(finding.path)} needs {count:,} {'symbol' if count == 1 else 'symbols'} that "
        + (f"{library(finding.expected_in)} does not have" if finding.expected_in is not None else "no library has"),
        (
            *((shown(name) + (f"   {shown(plain)}" if plain != name else ""),) for name, plain in demangled),
            *more,
            ("wanted by", shown(finding.path), wheel(finding.package)),
            *expected_in(finding),
            *counters_of(finding.package, finding.expected_package),
        ),
        right_version(finding.package, finding.expected_package),
    )


def expected_in(finding: findings.MissingSymbols) -> tuple[tuple[str, ...], ...]:
    if finding.expected_in is None:
        return ()
    exports = f"exports {finding.exports:,} symbols; not {'these' if len(finding.symbols) > 1 else 'this one'}"
    return (("expected in", shown(finding.expected_in), f"{wheel(finding.expected_package)}  ({exports})".strip()),)


def counters_of(one: str | None, other: str | None) -> tuple[tuple[str, ...], ...]:
    """When two wrappers were released, if that was not together."""
    versions = [metadata.version(each) if each is not None else None for each in (one, other)]
    counters = [version.rpartition(".")[2] if version and version.count(".") == 3 else None for version in versions]
    if None in counters or counters[0] == counters[1]:
        return ()
    return (("released", f"{shown(str(one))} with counter {counters[0]}, {shown(str(other))} with {counters[1]}"),)


def right_version(package: str | None, supplier: str | None) -> str | None:
    """The command that installs what the package itself asks for, if that is not what is installed."""
    if package is None or supplier is None or package == supplier:
        return reinstall(package) if package is not None and package == supplier else None
    wanted = metadata.unmet(package, supplier)
    return f"{quoted('pip', 'install', wanted)}     # what {shown(package)}'s own metadata asks for" if wanted else None


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


def counters_differ(finding: findings.CountersDiffer) -> Words:
    return Words(
        "wrapper packages of this stack were released at different times; what they share is checked",
        tuple((shown(name), shown(version)) for name, version in finding.packages),
    )
