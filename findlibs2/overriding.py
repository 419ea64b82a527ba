"""What a person decided about a library: FINDLIBS2_LIB_<NAME>, and what the configuration says of it. Effect. Cold."""

from __future__ import annotations

from os.path import abspath, join

from . import closure, files, names
from .closure import Root
from .findings import OverrideMismatch, OverrideMissing
from .model import Considered, File, Finding, Record, Trail
from .names import Answer, Ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from .model import Settings


class Override(Record):
    """Who replaces a library, and by what."""

    variable: str  # "FINDLIBS2_LIB_MIR"; of a configuration: "library.mir.path"
    value: str
    place: str | None = None  # file and line of a configuration; None: a variable of the environment

    @property
    def shown(self) -> str:
        said = f"{self.variable}={self.value}"
        return said if self.place is None else f"{said} ({self.place})"


def override(ask: Ask) -> Answer:
    """The replacement that is set for a library. What is set and does not hold it is a finding that ends the search."""
    found = chosen(ask.libraries, ask.variables, ask.settings)
    if found is None:
        return Answer((Considered("override", names.variable(ask.name), "not set"),))
    return overridden(found, ask.libraries)


def chosen(libraries: Iterable[str], variables: Mapping[str, str], settings: Settings | None) -> Override | None:
    """What replaces one of these libraries: the variable goes before the configuration."""
    for variable in dict.fromkeys(names.variable(library) for library in libraries):
        value = variables.get(variable)
        if value:
            return Override(variable, value)
    said = (settings.of(library) for library in libraries) if settings is not None else ()
    for setting in said:
        if setting is not None and setting.path is not None:
            return Override(f"library.{setting.name}.path", setting.path, setting.place("path"))
    return None


def overridden(by: Override, libraries: tuple[str, ...]) -> Answer:
    path = abspath(by.value)
    listing = files.listing(path)
    file = overriding(path, listing, libraries)
    if file is None:
        looked_for = tuple(f"lib{each}.so" for each in libraries) if listing is not None else ()
        return Answer((), findings=(OverrideMissing(by.variable, by.value, looked_for, by.place),))
    considered = (Considered("override", by.shown, "found", file.path),)
    return Answer(considered, file, findings=mismatch(by, file, libraries))


def overriding(path: str, listing: tuple[str, ...] | None, libraries: Iterable[str]) -> File | None:
    """The file that an override names, by itself or by its directory; None: nothing is there."""
    if listing is None:
        file = files.read(path)
        absent = file.problem is not None and file.problem.code in ("absent", "dangling-link", "directory")
        return None if absent else file
    found = (name for library in libraries for name in names.spellings(library, listing))
    first = next(found, None)
    return files.read(join(path, first)) if first is not None else None


def mismatch(by: Override, file: File, libraries: Iterable[str]) -> tuple[Finding, ...]:
    """The override carries the SONAME of another library. No SONAME at all is fine: nobody can be meant but this one."""
    name = file.binary.name if file.binary is not None else None
    expected = [f"lib{each}.so" for each in libraries]
    if name is None or closure.family(name) in expected:
        return ()
    return (OverrideMismatch(by.variable, file.path, name, expected[0], (), by.place),)


# ------------------------------------------------------------------------------------------------- the configuration


def configured(ask: Ask, settings: Settings) -> tuple[Ask, tuple[Considered, ...]]:
    """The wish as the configuration has it, and what of the configuration had a part in it."""
    said, rows = ask.setting, []
    if said is not None and said.package is not None:
        ask = ask.replace(pkg_name=said.package)
        rows.append(Considered("configuration", said.place("package"), f"the package is {said.package}"))
    if said is not None and said.sources is not None:
        rows.append(Considered("configuration", said.place("sources"), f"the sources are {', '.join(said.sources)}"))
    elif settings.sources is not None:
        rows.append(Considered("configuration", settings.file, f"the sources are {', '.join(settings.sources)}"))
    return ask, tuple(rows)


def of_needed(
    wanted: str, variables: Mapping[str, str], settings: Settings | None, locate: Callable[[str, None], Any]
) -> Root | OverrideMissing | None:
    """What goes in the place of a needed library ("libeckit.so.0"); None: nobody said anything about it.

    A library of which the configuration says where to look is looked for there, as if it had been asked for by name.
    """
    stem = wanted.partition(".so")[0]
    if not stem.startswith("lib"):
        return None
    library = stem[len("lib") :]
    by = chosen((library,), variables, settings)
    if by is not None:
        answer = overridden(by, (library,))
        if answer.file is None:
            missing: OverrideMissing = answer.findings[0]  # type: ignore[assignment]
            return missing
        trail = Trail(wanted, answer.considered)
        return Root(by.variable, answer.file, None, trail, overridden=True, place=by.place)
    setting = settings.of(library) if settings is not None else None
    if setting is None or (setting.sources is None and setting.package is None):
        return None
    located = locate(library, None)
    if located.file is None:
        return None
    return Root(library, located.file, located.package, located.trail, overridden=True)
