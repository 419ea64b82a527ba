"""A name -> where the library is, and the wrapper packages of its stack. Effect, through `files` and `packages`.

The sources, in order, are functions of one signature; each answers *found* or *not here, because ...*, as facts.
"""

from __future__ import annotations

import os
import sys
from os.path import abspath, expanduser, isabs, join

from . import files, graph, host, names, packages
from .closure import Root
from .model import Considered, File, Package, Record, Trail
from .names import Answer, Ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from .errors import NotFoundError
    from .findings import OverrideMissing
    from .model import Finding, Settings

    Source = Callable[[Ask], Answer]

YES = ("yes", "1", "true", "on")  # what switches a source off, in any letters

_settings: dict[tuple[str | None, ...], Settings | None] = {}  # what was read, by where it was looked for


# ---------------------------------------------------------------------------------------------------- what a person set


def variables() -> Mapping[str, str]:
    """The environment as far as it is ours to read: nothing under `-E` and `-I`, as Python's own variables."""
    return {} if sys.flags.ignore_environment else os.environ


def settings() -> Settings | None:
    """The configuration; None: there is none. The file is read once in a process. Errors: `ConfigError`."""
    given = variables()
    key = (given.get("FINDLIBS2_CONFIG"), given.get("XDG_CONFIG_HOME"), given.get("HOME"), sys.prefix)
    if key not in _settings:
        file = next((file for file in configurations(given) if file == key[0] or files.exists(file)), None)
        if file is None:
            _settings[key] = None
        else:
            from . import config

            _settings[key] = config.read(abspath(file))
    return _settings[key]


def option(library: str, name: str, argument: str | None) -> str:
    """How to load a library: the argument, else FINDLIBS2_<NAME>, else the configuration, else the default."""
    variable = f"FINDLIBS2_{name.upper()}"
    value = argument if argument is not None else variables().get(variable) or None
    if value is None:
        given = settings()
        said = given.of(library) if given is not None else None
        return getattr(said, name, None) or names.OPTIONS[name][0]
    if value not in names.OPTIONS[name]:
        from .errors import ConfigError
        from .model import ConfigProblem

        place = f"{name}={value!r}" if argument is not None else f"{variable}={value}"
        raise ConfigError(place, (ConfigProblem(None, f"{name} cannot be {value!r}", names.OPTIONS[name]),))
    return value


def configurations(given: Mapping[str, str]) -> Iterator[str]:
    """Where the configuration may be, best first; the first that exists is the only one. Never the current directory."""
    if given.get("FINDLIBS2_CONFIG"):
        yield given["FINDLIBS2_CONFIG"]
        return
    if not sys.flags.ignore_environment:
        # XDG Base Directory Specification: "All paths set in these environment variables must be absolute."
        place = given.get("XDG_CONFIG_HOME", "")
        yield join(place if isabs(place) else expanduser("~/.config"), "findlibs2", "config.toml")
    yield join(sys.prefix, "etc", "findlibs2.toml")


# ---------------------------------------------------------------------------------------------------------- override


def override(ask: Ask) -> Answer:
    """FINDLIBS2_LIB_<NAME>, or `path` in the configuration. A person said so: it wins over everything."""
    if ask.settings is not None or any(name.startswith(names.OVERRIDE) for name in ask.variables):
        from . import overriding

        return overriding.override(ask)
    return Answer((Considered("override", names.variable(ask.name), "not set"),))


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
        answer = packages.holds(found, wish.library, ask.host, considered)
        if answer is not None or zipped:
            return answer or Answer(tuple(considered), findings=zipped)
    if ask.pkg_name is None:
        from . import survey

        return survey.anywhere(ask, considered)
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


# ------------------------------------------------------------------------------------------------ outside the wrappers


def outside(name: str) -> Source:
    """A source of which most processes never hear: its module is imported when it is asked."""

    def source(ask: Ask) -> Answer:
        from . import places

        return places.SOURCES[name](ask)

    return source


SOURCES: dict[str, Source] = {"override": override, "package": package} | {
    name: outside(name) for name in names.SOURCES if name != "package"
}


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


def locate(name: str, pkg_name: str | None) -> Located:
    """Ask every source in order; the first that has the library, or that cannot keep its promise, decides.

    Errors: `BadNameError`; `ConfigError`.
    """
    names.check(name, pkg_name)
    ask = Ask(name, pkg_name, variables(), host.snapshot(), settings())
    rows: tuple[Considered, ...] = ()
    if ask.settings is not None:
        from . import overriding

        ask, rows = overriding.configured(ask, ask.settings)
    for source, answer in answers(ask):
        rows += answer.considered
        if answer.file is not None or answer.findings:
            is_override = source == "override"
            of = stood_in_for(ask) if is_override else answer.package
            return Located(Trail(name, rows), answer.file, of, is_override, answer.findings)
    return Located(Trail(name, rows), None)


def answers(ask: Ask) -> Iterator[tuple[str, Answer]]:
    """What the sources say, one after the other."""
    for source in order(ask):
        off = switched_off(ask, source)
        if off is None:
            yield source, SOURCES[source](ask)
        else:
            yield source, Answer((Considered(source, off, "switched off"),))


def stood_in_for(ask: Ask) -> Package | None:
    """The wrapper whose library an override replaces; None: there is none, or wrappers are not to be asked."""
    asked = "package" in order(ask) and switched_off(ask, "package") is None
    return package(ask).package if asked else None


def order(ask: Ask) -> Iterable[str]:
    """Which sources are asked, in which order. What replaces a library always goes first."""
    chosen = None
    if ask.settings is not None:
        of_library = ask.setting.sources if ask.setting is not None else None
        chosen = of_library if of_library is not None else ask.settings.sources
    return ("override", *(names.SOURCES if chosen is None else chosen))


def switched_off(ask: Ask, source: str) -> str | None:
    """The variable and its value that switch a source off; None: it is asked."""
    variable = names.SOURCES.get(source)
    value = ask.variables.get(variable) if variable is not None else None
    return f"{variable}={value}" if value is not None and value.strip().lower() in YES else None


def root(name: str, pkg_name: str | None) -> Root:
    """The located library, ready for planning. Errors: `NotFoundError`; `RefusedError` for an override that fails."""
    located = locate(name, pkg_name)
    if located.file is None and not located.findings:
        raise not_found(name, pkg_name, located.trail)
    return ready(name, located)


def ready(name: str, located: Located) -> Root:
    """The same, once it is located. Errors: `RefusedError` where a source does not have it as it promised."""
    refuse(name, located)
    assert located.file is not None
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
    """What answers for needed libraries; where a person has set nothing, nothing does."""
    ours, given = variables(), settings()
    if given is None and not any(name.startswith(names.OVERRIDE) for name in ours):
        return lambda _wanted: None
    from . import overriding

    return lambda wanted: overriding.of_needed(wanted, ours, given, locate)


def unheeded(roots: Iterable[Root]) -> list[Finding]:
    """The variables that name an installation of a library which a wrapper brings."""
    from .notes import VariableUnheeded

    given = variables()
    of_wrappers = (root for root in roots if root.package is not None and not root.overridden)
    return [
        VariableUnheeded(name, given[name], root.name, root.file.path)
        for root in of_wrappers
        for name in names.homes(root.name, None)
        if given.get(name)
    ]


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
    from .notes import PackageMissing

    return PackageMissing(name, declared_by, considered)


def ring_of_packages(ring: tuple[str, ...]) -> Finding:
    from .notes import PackageRing

    return PackageRing(ring)
