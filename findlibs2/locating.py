"""A name -> where the library is, and the wrapper packages of its stack. Effect, through `files` and `packages`.

The sources, in order, are functions of one signature; each answers *found* or *not here, because ...*, as facts.
"""

from __future__ import annotations

import os
import sys
from os.path import abspath, join

from . import closure, files, graph, host, names, packages
from .closure import Root
from .model import Considered, File, Package, Record, Trail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from .errors import NotFoundError
    from .findings import OverrideMissing
    from .model import Finding, Host

    Source = Callable[["Ask"], "Answer"]


class Ask(Record):
    """A wish for one library: the name as given, the package as given, and our variables (empty under -E and -I)."""

    name: str
    pkg_name: str | None
    variables: Mapping[str, str]
    host: Host


class Answer(Record):
    """What one source said. `file` None: not here, the last of `considered` says why."""

    considered: tuple[Considered, ...]
    file: File | None = None
    package: Package | None = None
    findings: tuple[Finding, ...] = ()


# ---------------------------------------------------------------------------------------------------------- override


def override(ask: Ask) -> Answer:
    """FINDLIBS2_LIB_<NAME>: a file, or a directory that holds the library. A person said so: it wins over everything."""
    libraries = list(dict.fromkeys([ask.name, *(wish.library for wish in names.wishes(ask.name, ask.pkg_name))]))
    for variable in dict.fromkeys(names.variable(library) for library in libraries):
        value = ask.variables.get(variable)
        if value:
            return overridden(variable, value, libraries)
    return Answer((Considered("override", names.variable(ask.name), "not set"),))


def overridden(variable: str, value: str, libraries: list[str]) -> Answer:
    path = abspath(value)
    listing = files.listing(path)
    file = overriding(path, listing, libraries)
    if file is None:
        from .findings import OverrideMissing

        looked_for = tuple(f"lib{each}.so" for each in libraries) if listing is not None else ()
        return Answer((), findings=(OverrideMissing(variable, value, looked_for),))
    considered = (Considered("override", f"{variable}={value}", "found", file.path),)
    return Answer(considered, file, findings=mismatch(variable, file, libraries))


def overriding(path: str, listing: tuple[str, ...] | None, libraries: list[str]) -> File | None:
    """The file that an override names, by itself or by its directory; None: nothing is there."""
    if listing is None:
        file = files.read(path)
        absent = file.problem is not None and file.problem.code in ("absent", "dangling-link", "directory")
        return None if absent else file
    found = (name for library in libraries for name in names.spellings(library, listing))
    first = next(found, None)
    return files.read(join(path, first)) if first is not None else None


def mismatch(variable: str, file: File, libraries: list[str]) -> tuple[Finding, ...]:
    """The override carries the SONAME of another library. No SONAME at all is fine: nobody can be meant but this one."""
    name = file.binary.name if file.binary is not None else None
    expected = [f"lib{each}.so" for each in libraries]
    if name is None or closure.family(name) in expected:
        return ()
    from .findings import OverrideMismatch

    return (OverrideMismatch(variable, file.path, name, expected[0]),)


# ----------------------------------------------------------------------------------------------------------- package


def package(ask: Ask) -> Answer:
    """The wrapper package: by explicit name, by the table of irregular names, by the rule, or by looking who has it."""
    considered: list[Considered] = []
    for wish in names.wishes(ask.name, ask.pkg_name):
        found, rows = packages.find(wish.package)
        considered += rows
        if found is None or not is_wrapper(found, ask.pkg_name, considered):
            continue
        zipped = tuple(problem for problem in found.problems if problem.code == "zipped-wrapper")
        answer = in_package(found, wish.library, ask.host, considered)
        if answer is not None or zipped:
            return answer or Answer(tuple(considered), findings=zipped)
    if ask.pkg_name is None:
        return anywhere(ask, considered)
    return Answer(tuple(considered))


def is_wrapper(found: Package, pkg_name: str | None, considered: list[Considered]) -> bool:
    """A package says itself that it is one, or a person says so by naming it."""
    if found.declared or found.depends_on is None or pkg_name is not None:
        return True
    where = ", ".join(found.directories)
    considered.append(
        Considered("package", where, f"{found.name} declares neither depends_on nor findlibs_dependencies: no wrapper")
    )
    return False


def in_package(found: Package, library: str, host: Host, considered: list[Considered]) -> Answer | None:
    """The library in the package: the first file that this process can load; else the first that is there at all."""
    unfit: list[File] = []
    for path in paths(found, library):
        file = files.read(path)
        if file.problem is not None and file.problem.code == "absent":
            continue
        if closure.fits(file, host):
            considered.append(Considered("package", found.name, "found", path))
            return Answer(tuple(considered), file, found, passed_over(unfit, path))
        unfit.append(file)
    if unfit:
        considered.append(Considered("package", found.name, "found", unfit[0].path))
        return Answer(tuple(considered), unfit[0], found)
    where = ", ".join(found.libraries or found.directories)
    considered.append(Considered("package", where, f"{found.name} holds no lib{library}.so"))
    return None


def paths(found: Package, library: str) -> Iterator[str]:
    """Where the library would be, best first. The unversioned name, nearly always right, is given without a look."""
    for directory in found.libraries:
        plain = f"lib{library}.so"
        yield join(directory, plain)
        for name in names.spellings(library, files.listing(directory) or ()):
            if name != plain:
                yield join(directory, name)


def passed_over(unfit: list[File], taken: str) -> tuple[Finding, ...]:
    if not unfit:
        return ()
    from .findings import PassedOver

    return tuple(PassedOver(file.path, file.problem, taken) for file in unfit if file.problem is not None)


def anywhere(ask: Ask, considered: list[Considered]) -> Answer:
    """A name that neither table nor rule knows: which installed wrapper holds it? The first on the path."""
    seen = {row.where for row in considered}
    for found in packages.installed_wrappers():
        if found.name in seen:
            continue
        answer = in_package(found, ask.name, ask.host, [*considered])
        if answer is not None:
            return answer
        considered.append(Considered("package", found.name, f"holds no lib{ask.name}.so"))
    return Answer(tuple(considered))


SOURCES: tuple[Source, ...] = (override, package)


# ---------------------------------------------------------------------------------------------- locating


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
    ask = Ask(name, pkg_name, variables(), host.snapshot())
    considered: tuple[Considered, ...] = ()
    for source in SOURCES:
        answer = source(ask)
        considered += answer.considered
        if answer.file is not None or answer.findings:
            is_override = source is override
            of = package(ask).package if is_override else answer.package
            return Located(Trail(name, considered), answer.file, of, is_override, answer.findings)
    return Located(Trail(name, considered), None)


def root(name: str, pkg_name: str | None) -> Root:
    """The located library, ready for planning. Errors: `NotFoundError`; `RefusedError` for an override that fails."""
    located = locate(name, pkg_name)
    refuse(name, located)
    if located.file is None:
        raise not_found(name, pkg_name, located.trail)
    return Root(name, located.file, located.package, located.trail, located.overridden, located.findings)


def not_found(name: str, pkg_name: str | None, trail: Trail) -> NotFoundError:
    """The error for a name that no source has, with the spellings of it that one has."""
    from .errors import NotFoundError

    there = (each for each in names.respelled(name) if locate(each, pkg_name).file is not None)
    return NotFoundError(name, trail, tuple(there))


def refuse(name: str, located: Located) -> None:
    """`RefusedError` where a source had to have the library and does not have it as it promised."""
    stopping = tuple(each for each in located.findings if each.severity == "error" or located.file is None)
    if stopping:
        from .errors import RefusedError

        raise RefusedError(name, stopping)


def overrides() -> Callable[[str], Root | OverrideMissing | None]:
    """What answers for needed libraries; where no variable of ours is set, nothing does."""
    return override_of if any(name.startswith(names.OVERRIDE) for name in variables()) else lambda _wanted: None


def override_of(wanted: str) -> Root | OverrideMissing | None:
    """What FINDLIBS2_LIB_<NAME> puts in the place of a needed library ("libeckit.so.0"); None: no such variable."""
    stem = wanted.partition(".so")[0]
    if not stem.startswith("lib"):
        return None
    library = stem[len("lib") :]
    variable = names.variable(library)
    value = variables().get(variable)
    if not value:
        return None
    answer = overridden(variable, value, [library])
    if answer.file is None:
        missing: OverrideMissing = answer.findings[0]  # type: ignore[assignment]
        return missing
    return Root(variable, answer.file, None, Trail(wanted, answer.considered), overridden=True)


def stack(roots: Iterable[Package | None], importing: str | None) -> Stack:
    """All wrappers that the roots declare, transitively, dependencies first, ties as declared.

    `importing` is the library that is being loaded: a wrapper whose declaration is not literal is imported then, as the
    documented protocol says; never with a lock held. None: nothing is imported. Errors: `RefusedError` when that fails.
    """
    found: dict[str, Package] = {}
    findings: list[Finding] = []
    for package in roots:
        if package is not None and package.name not in found:
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


def known(package: Package, importing: str | None, findings: list[Finding]) -> Package:
    """The package with its dependencies, imported if that is the only way and allowed."""
    if package.depends_on is None and importing is not None:
        package = packages.imported(package, importing)
    findings += package.problems
    return package


def missing(name: str, declared_by: str, considered: tuple[Considered, ...]) -> Finding:
    from .findings import PackageMissing

    return PackageMissing(name, declared_by, considered)


def ring_of_packages(ring: tuple[str, ...]) -> Finding:
    from .findings import PackageRing

    return PackageRing(ring)
