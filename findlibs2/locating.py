"""A name -> where the library is, and the wrapper packages of its stack. Effect, through `sources` and `packages`."""

from __future__ import annotations

import os
import sys

from . import graph, host, names, packages, sources
from .draft import Root
from .model import Considered, Package, Record, Trail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .findings import OverrideMissing
    from .model import File, Finding


class Located(Record):
    """Where a library is, who says so, and what was considered."""

    trail: Trail
    file: File | None  # None: no source has it
    package: Package | None = None  # the wrapper that holds it, or that an override stands in for
    overridden: bool = False
    findings: tuple[Finding, ...] = ()


class Stack(Record):
    """Wrapper packages, dependencies first, and what is noteworthy about their declarations."""

    packages: tuple[Package, ...]
    findings: tuple[Finding, ...] = ()


def variables() -> Mapping[str, str]:
    """The environment as far as it is ours to read: nothing under `-E` and `-I`, as Python's own variables."""
    return {} if sys.flags.ignore_environment else os.environ


def locate(name: str, pkg_name: str | None) -> Located:
    """Ask every source in order; the first that has the library, or that cannot keep its promise, decides."""
    names.check(name, pkg_name)
    ask = sources.Ask(name, pkg_name, variables(), host.snapshot())
    considered: tuple[Considered, ...] = ()
    for source in sources.SOURCES:
        answer = source(ask)
        considered += answer.considered
        if answer.file is not None or answer.findings:
            overridden = source is sources.override
            package = sources.package(ask).package if overridden else answer.package
            return Located(Trail(name, considered), answer.file, package, overridden, answer.findings)
    return Located(Trail(name, considered), None)


def root(name: str, pkg_name: str | None) -> Root:
    """The located library, ready for planning. Errors: `NotFoundError`; `RefusedError` for an override that fails."""
    located = locate(name, pkg_name)
    refuse(name, located)
    if located.file is None:
        from .errors import NotFoundError

        raise NotFoundError(name, located.trail)
    return Root(name, located.file, located.package, located.trail, located.overridden, located.findings)


def refuse(name: str, located: Located) -> None:
    """`RefusedError` where a source had to have the library and does not have it as it promised."""
    stopping = tuple(each for each in located.findings if each.severity == "error" or located.file is None)
    if stopping:
        from .errors import RefusedError

        raise RefusedError(name, stopping)


def overrides() -> Callable[[str], Root | OverrideMissing | None]:
    """What answers for needed libraries; where no variable of ours is set, nothing does."""
    return override if any(name.startswith(names.OVERRIDE) for name in variables()) else lambda _wanted: None


def override(wanted: str) -> Root | OverrideMissing | None:
    """What FINDLIBS2_LIB_<NAME> puts in the place of a needed library ("libeckit.so.0"); None: no such variable."""
    stem = wanted.partition(".so")[0]
    if not stem.startswith("lib"):
        return None
    library = stem[len("lib") :]
    variable = names.variable(library)
    value = variables().get(variable)
    if not value:
        return None
    answer = sources.overridden(variable, value, [library])
    if answer.file is None:
        missing: OverrideMissing = answer.findings[0]  # type: ignore[assignment]
        return missing
    return Root(variable, answer.file, None, Trail(wanted, answer.considered), overridden=True)


def stack(roots: Iterable[Package | None], importing: bool) -> Stack:
    """All wrappers that the roots declare, transitively, dependencies first, ties as declared.

    `importing`: a wrapper whose declaration is not literal is imported, as the documented protocol says; only `load` does
    that, and never with a lock held. Errors: `RefusedError` when that import fails.
    """
    found: dict[str, Package] = {}
    findings: list[Finding] = []
    for package in roots:
        if package is not None:
            found[package.name] = known(package, importing, findings)

    def edges(name: str) -> list[str]:
        return [each for each in found[name].depends_on or () if each in found or enter(each, name)]

    def enter(name: str, declared_by: str) -> bool:
        package, considered = packages.find(name)
        if package is None:
            findings.append(missing(name, declared_by, considered))
            return False
        found[name] = known(package, importing, findings)
        return True

    ordered = graph.order(list(found), edges)
    findings += (ring_of_packages(ring) for ring in ordered.rings)
    return Stack(tuple(found[name] for name in ordered.nodes), tuple(findings))


def known(package: Package, importing: bool, findings: list[Finding]) -> Package:
    """The package with its dependencies, imported if that is the only way and allowed."""
    if package.depends_on is None and importing:
        return packages.imported(package)
    findings += package.problems
    return package


def missing(name: str, declared_by: str, considered: tuple[Considered, ...]) -> Finding:
    from .findings import PackageMissing

    return PackageMissing(name, declared_by, considered)


def ring_of_packages(ring: tuple[str, ...]) -> Finding:
    from .findings import PackageRing

    return PackageRing(ring)
