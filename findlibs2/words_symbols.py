"""Findings about symbols and versions -> words. Cold."""

from __future__ import annotations

from collections.abc import Sequence

from . import demangle, findings, metadata, releases
from .wording import Words, library, quoted, reinstall, shown, wheel

SHOWN = 5  # symbols of one finding; there may be thousands


def missing_symbols(finding: findings.MissingSymbols) -> Words:
    return Words(
        f"{library(finding.path)} needs {count(finding.symbols)} that "
        + (f"{library(finding.expected_in)} does not have" if finding.expected_in is not None else "no library has"),
        (
            *listed(finding.symbols),
            ("wanted by", shown(finding.path), wheel(finding.package)),
            *expected_in(finding),
            *counters_of(finding.package, finding.expected_package),
        ),
        right_version(finding.package, finding.expected_package),
    )


def count(symbols: Sequence[str]) -> str:
    return f"{len(symbols):,} {'symbol' if len(symbols) == 1 else 'symbols'}"


def listed(symbols: Sequence[str]) -> list[tuple[str]]:
    """Some of them, each with its meaning where the process can tell it."""
    demangled = demangle.names(symbols[:SHOWN])
    more = [(f"... and {len(symbols) - SHOWN:,} more",)] if len(symbols) > SHOWN else []
    return [*((shown(name) + (f"   {shown(plain)}" if plain != name else ""),) for name, plain in demangled), *more]


def several_providers(finding: findings.SeveralProviders) -> Words:
    return Words(
        f"several packages bring {shown(finding.name)}, of different content; one of them serves all",
        (
            ("taken", shown(finding.taken)),
            *(("left out", shown(path)) for path in finding.others),
            *(("which has", name) for (name,) in listed(finding.missed)),
            *((("so", "nothing is missing because of that"),) if not finding.missed else ()),
        ),
    )


def fits(finding: findings.LoadedElsewhere) -> list[tuple[str, ...]]:
    """Whether what is in the process can stand in for what was expected, where that was looked at."""
    if finding.lacks is None:
        return []
    if not finding.lacks:
        return [("so", "it has all that is wanted of the other one")]
    return [("lacks", name) for (name,) in listed(finding.lacks)]


def under_linked(finding: findings.UnderLinked) -> Words:
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


def counters_of(one: str | None, other: str | None) -> tuple[tuple[str, ...], ...]:
    """When two wrappers were released, if that was not together."""
    known = [releases.counter(metadata.version(each)) if each is not None else None for each in (one, other)]
    if None in known or known[0] == known[1]:
        return ()
    return (("released", f"{shown(str(one))} with counter {known[0]}, {shown(str(other))} with {known[1]}"),)


def right_version(package: str | None, supplier: str | None) -> str | None:
    """The command that installs what installed packages ask for, if that is not what is installed.

    All that the package asks for at once: a stack that is right in one place only breaks in the next one.
    """
    if package is None or package == supplier:
        return reinstall(package)
    wanted, by = metadata.unmet(package), package
    if not wanted and supplier is not None:
        wanted, by = agreed(supplier)
    return f"{quoted('pip', 'install', *wanted)}     # what {shown(by)}'s own metadata asks for" if wanted else None


def agreed(supplier: str) -> tuple[list[str], str]:
    """What others ask for of a wrapper, and is not installed, and who does; nothing, where two of them differ."""
    version = metadata.version(supplier)
    unmet = [each for each in metadata.asking({supplier: version}) if not each.met] if version is not None else []
    wanted = dict.fromkeys(each.requirement for each in unmet)
    return (list(wanted), unmet[0].by) if len(wanted) == 1 else ([], "")


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
    told = {each.package: again(each) for each in finding.rebuilt}
    return Words(
        "wrapper packages of this stack were released at different times"
        + (", from the same sources" if finding.same_sources else "; what they share is checked"),
        tuple((shown(name), shown(version), told.get(name, "")) for name, version in finding.packages),
    )


SOURCES = {True: "the same commit", False: "another commit", None: "the same version, another counter"}


def again(rebuilt: findings.Rebuilt) -> str:
    return f"{shown(rebuilt.asked_for)} is asked for: {SOURCES[rebuilt.same_source]}"


def requirement_unmet(finding: findings.RequirementUnmet) -> Words:
    by = [f"{shown(name)} {shown(version)}" for name, version in finding.asked_by]
    more = f" and {len(by) - 2} more" if len(by) > 2 else ""
    return Words(
        "installed packages ask for other versions than those that are there; what they share is checked",
        (
            (
                f"{shown(finding.package)} {shown(finding.version)}",
                f"asked for {shown(finding.requirement)}",
                f"by {', '.join(by[:2])}{more}",
            ),
        ),
    )
