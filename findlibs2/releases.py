"""Of which releases the wrappers of a plan are, and whether that is what installed packages ask for. Cold.

EFFECT: through `files` and `metadata`. A wrapper's version is x.y.z.C: the version of the sources, and a counter of the
releases of the whole stack. Neither it, nor what Requires-Dist asks for, nor what a wrapper declares proves anything alone:
the same sources are released again under the next counter, and pins are forgotten. What breaks is told by the symbols.
"""

from __future__ import annotations

from os.path import join

from . import declaration, files, metadata
from .declaration import MAX_SOURCE
from .notes import CountersDiffer, Rebuilt, RequirementUnmet, Shadowed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .metadata import Asked
    from .model import Finding, Package, Plan

COMMIT = "__commit_hash__"


def judge(plan: Plan) -> list[Finding]:
    """What there is to say of the releases of a plan's wrappers; all of it notes."""
    there = versions(plan.packages)
    asked = metadata.asking(there) if there else []
    return [*counters(plan, there, asked), *unmet(there, asked)]


def unmet(there: Mapping[str, str], asked: Sequence[Asked]) -> list[RequirementUnmet]:
    askers: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for each in sorted(asked, key=lambda each: (each.by_package is None, each.by)):
        if not each.met:
            askers.setdefault((each.of, each.requirement), []).append((each.by, each.by_version))
    return [RequirementUnmet(of, there[of], wanted, tuple(by)) for (of, wanted), by in askers.items()]


def versions(packages: Sequence[Package]) -> dict[str, str]:
    """By import name: what the package itself says, which is what is loaded; else what its installation says."""
    known = {each.name: each.version or metadata.version(each.name) for each in packages}
    return {name: version for name, version in known.items() if version is not None}


# ------------------------------------------------------------------------------------------------------------ counters


def counter(version: str | None) -> str | None:
    """The fourth part; None: there is none ("2.50.0", "2.48.4.dev12")."""
    parts = version.split(".") if version is not None else []
    return parts[3] if len(parts) == 4 and all(part.isdecimal() for part in parts) else None


def base(version: str) -> str:
    """The version of the sources."""
    return version.rpartition(".")[0]


def counters(plan: Plan, there: Mapping[str, str], asked: Sequence[Asked]) -> list[CountersDiffer]:
    counted = {name: version for name, version in there.items() if counter(version) is not None}
    if len({counter(version) for version in counted.values()}) < 2:
        return []
    again = tuple(dict.fromkeys(rebuilt(plan, counted, asked)))
    same = {(each.package, each.asked_for) for each in again if each.same_source}
    fitting = {(each.by_package, each.of) for each in asked if each.met or (each.of, each.exactly) in same}
    known = bool(again) and set(uneven(plan.packages, counted)) <= fitting
    return [CountersDiffer(tuple(counted.items()), again, known)]


def uneven(packages: Sequence[Package], counted: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The wrappers, and those that they declare, which were not released together."""
    for package in packages:
        for name in package.depends_on or ():
            if {package.name, name} <= counted.keys() and counter(counted[package.name]) != counter(counted[name]):
                yield package.name, name


def rebuilt(plan: Plan, counted: Mapping[str, str], asked: Sequence[Asked]) -> Iterator[Rebuilt]:
    """The packages of which the right version is there, under another counter than somebody asks for."""
    for each in asked:
        version = counted.get(each.of)
        if each.met or version is None or counter(each.exactly) is None or each.exactly is None:
            continue
        if base(version) == base(each.exactly):
            yield Rebuilt(each.of, each.exactly, same_source(plan, each.of, each.exactly))


def same_source(plan: Plan, package: str, asked_for: str) -> bool | None:
    """Whether the package was built from the commit that the release asked for was built from.

    What that was, only a copy of that release can tell; there may be one that the path hides.
    """
    hidden = [each for found in plan.findings if isinstance(found, Shadowed) for each in of(found, package)]
    inits = [each.init for each in plan.packages if each.name == package and each.init is not None]
    mine = [commit for init in inits if (commit := said(init)[1]) is not None]
    theirs = [commit for init in hidden for version, commit in [said(init)] if version == asked_for and commit]
    return mine[0] == theirs[0] if mine and theirs else None


def of(found: Shadowed, package: str) -> list[str]:
    """The sources of the copies that a package hides."""
    return [join(directory, "__init__.py") for directory in found.others] if found.package == package else []


def said(init: str) -> tuple[str | None, str | None]:
    """Version and commit that a source declares in the published form; None: it does not."""
    lines = declaration.published(files.source(init, MAX_SOURCE) or b"") or {}
    return declaration.text_of(lines, declaration.VERSION), declaration.text_of(lines, COMMIT)
