"""Where a library can be: the sources, in order. Each answers *found* or *not here, because ...*, as facts."""

from __future__ import annotations

from os.path import abspath, join

from . import files, names, offers, packages
from .model import Considered, File, Package, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

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
    file = overriding(value, libraries)
    if file is None:
        return Answer((), findings=(override_missing(variable, value, libraries),))
    considered = (Considered("override", f"{variable}={value}", "found", file.path),)
    return Answer(considered, file, findings=mismatch(variable, file, libraries))


def overriding(value: str, libraries: list[str]) -> File | None:
    """The file that an override names; None: nothing is there."""
    path = abspath(value)
    listing = files.listing(path)
    if listing is None:
        file = files.read(path)
        absent = file.problem is not None and file.problem.code in ("absent", "dangling-link", "directory")
        return None if absent else file
    found = (name for library in libraries for name in names.spellings(library, listing))
    first = next(found, None)
    return files.read(join(path, first)) if first is not None else None


def override_missing(variable: str, value: str, libraries: list[str]) -> Finding:
    from .findings import OverrideMissing

    is_directory = files.listing(abspath(value)) is not None
    return OverrideMissing(variable, value, tuple(f"lib{each}.so" for each in libraries) if is_directory else ())


def mismatch(variable: str, file: File, libraries: list[str]) -> tuple[Finding, ...]:
    """The override carries the SONAME of another library. No SONAME at all is fine: nobody can be meant but this one."""
    name = file.binary.name if file.binary is not None else None
    expected = [f"lib{each}.so" for each in libraries]
    if name is None or offers.family(name) in expected:
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
        if offers.fits(file, host):
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
    for directory in found.libraries:
        for name in names.spellings(library, files.listing(directory) or ()):
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
