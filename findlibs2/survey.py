"""What else is installed: wrappers that no table and no rule leads to, and copies that are hidden. Cold.

It opens the source of every package on the path.
"""

from __future__ import annotations

import os
import sys
from os.path import join

from . import declaration, files, names, packages
from .declaration import MAX_SOURCE
from .model import Considered
from .names import Answer, Ask
from .packages import BUILT_IN, absolute, find, portions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .model import Package

METADATA = (".dist-info", ".egg-info")
STANDARD = (BUILT_IN, "importlib_metadata")  # whose finders know distributions, those on the path


def anywhere(ask: Ask, considered: list[Considered]) -> Answer:
    """A name that neither table nor rule knows: which installed wrapper holds it? The first on the path."""
    seen = {row.where for row in considered}
    for found in installed_wrappers():
        if found.name in seen:
            continue
        answer = packages.holds(found, ask.name, ask.host, [*considered])
        if answer is not None:
            return answer
        considered.append(Considered("package", found.name, f"holds no lib{ask.name}.so"))
    return named_by_others(ask, considered)


def named_by_others(ask: Ask, considered: list[Considered]) -> Answer:
    """A name that an installed distribution gives to a library of its own (entry point group `findlibs2.names`)."""
    if not may_be_named():
        return Answer(tuple(considered))
    from . import metadata  # brings half the standard library

    for by, value in metadata.library_names(ask.name):
        wanted, _, library = (part.strip() for part in value.partition(":"))
        if not names.is_package_name(wanted) or names.objection(library or ask.name) is not None:
            considered.append(Considered("package", by, f"its entry point {ask.name} = {value} names no library"))
            continue
        considered.append(Considered("package", by, f"says that {ask.name} is {library or ask.name} in {wanted}"))
        found, rows = packages.find(names.import_name(wanted))
        considered += rows
        answer = packages.holds(found, library or ask.name, ask.host, considered) if found is not None else None
        if answer is not None:
            return answer
    return Answer(tuple(considered))


def may_be_named() -> bool:
    """Whether anybody gives names at all: nearly nobody does, and then no metadata has to be understood."""
    if any(hasattr(each, "find_distributions") and each.__module__ not in STANDARD for each in sys.meta_path):
        return True  # somebody has distributions that are nowhere on the path
    entries = dict.fromkeys(absolute(entry) for entry in sys.path if isinstance(entry, str))
    return any(names_libraries(entry) for entry in entries)


def names_libraries(entry: str) -> bool:
    """Whether a distribution in this directory of the path has an entry point of the group. What is no directory may."""
    listing = files.listing(entry)
    if listing is None:
        return files.exists(entry)
    tables = (join(entry, name, "entry_points.txt") for name in listing if name.endswith(METADATA))
    return any(names.GROUP.encode() in (files.source(table, MAX_SOURCE) or b"") for table in tables)


def installed_wrappers() -> tuple[Package, ...]:
    """Every importable package that declares itself a wrapper, in path order."""
    found = (find(name)[0] for name in dict.fromkeys((*redirected(), *mentioning())))
    return tuple(package for package in found if package is not None and package.declared)


def mentioning() -> Iterator[str]:
    """Names of the packages on the path whose source names one of the attributes."""
    for directory in dict.fromkeys(absolute(entry) for entry in sys.path if isinstance(entry, str)):
        for name in files.listing(directory) or ():
            source = files.source(join(directory, name, "__init__.py"), MAX_SOURCE) if name.isidentifier() else None
            if source is not None and len(source) <= MAX_SOURCE and declaration.mentions(source):
                yield name


def redirected() -> Iterator[str]:
    """Names of the packages that editable installs redirect: by setuptools, scikit-build-core, meson-python."""
    for finder in tuple(sys.meta_path):
        module = sys.modules.get(getattr(finder, "__module__", None) or "")
        known = (getattr(module, "MAPPING", ()), getattr(finder, "known_source_files", ()))
        for name in (*known[0], *known[1], *getattr(finder, "_top_level_modules", ())):
            if isinstance(name, str) and name.isidentifier():
                yield name


def others(package: Package) -> tuple[str, ...]:
    """Directories of further copies of the package on the path, which the one that is taken hides."""
    places = (each for each in dict.fromkeys(map(absolute, portions(package.name))) if each not in package.directories)
    further = [directory for directory in places if files.exists(join(directory, "__init__.py"))]
    if not further:
        return ()
    taken = {os.path.realpath(directory) for directory in package.directories}
    ways: dict[str, str] = {}  # of several ways to one copy, the first
    for directory in further:
        ways.setdefault(os.path.realpath(directory), directory)
    return tuple(directory for place, directory in ways.items() if place not in taken)
