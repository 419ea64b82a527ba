"""What installed distributions say of themselves: versions, requirements, recorded files. Cold; only messages ask.

Foreign metadata may be missing or malformed: then the answer is "unknown", never an exception. So it is where this
library was put on the path without what it requires (a build container, a vendored copy): a message must still be one.
"""

from __future__ import annotations

import csv

from . import names
from .model import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from packaging.requirements import Requirement

try:
    import importlib_metadata as distributions
except ImportError:
    from importlib import metadata as distributions  # type: ignore[no-redef]


class Distribution(Record):
    """An installed distribution: its name as it spells it, its version, its requirements, the files it recorded."""

    name: str
    version: str
    requires: tuple[str, ...]
    files: tuple[str, ...]


def distribution(package: str) -> Distribution | None:
    """The distribution that installed an import package; None: unknown."""
    found = by_name(package)
    if found is not None:
        return found
    names = distributions.packages_distributions().get(package, [])
    return by_name(names[0]) if names else None


def by_name(name: str) -> Distribution | None:
    """The installed distribution of that name, in any spelling of it; None: there is none."""
    try:
        found: Any = distributions.distribution(name)
        # Of a directory that an interrupted upgrade left behind, name and version may be None.
        return whole(found) if found.metadata["Name"] and found.version else None
    except (distributions.PackageNotFoundError, OSError, ValueError, KeyError):
        return None


def whole(found: Any) -> Distribution:
    files = tuple(row[0] for row in csv.reader((found.read_text("RECORD") or "").splitlines()) if row)
    return Distribution(found.metadata["Name"], found.version, tuple(found.requires or ()), files)


def version(package: str) -> str | None:
    """The installed version of an import package; None: unknown."""
    found = distribution(package)
    return found.version if found is not None else None


def requirements(package: str) -> list[Requirement]:
    """What the package requires here and now: markers evaluated, extras left out."""
    found = distribution(package)
    parsed = [parse(text) for text in found.requires] if found is not None else []
    return [
        each for each in parsed if each is not None and (each.marker is None or each.marker.evaluate({"extra": ""}))
    ]


def parse(text: str) -> Requirement | None:
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError:
        return None
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def canonical(name: str) -> str:
    """One spelling for all of a distribution's name (PyPA, Names and normalization)."""
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)


def requirement(package: str, dependency: str) -> str | None:
    """The requirement, as *package* words it, that brings an import package ("eckitlib==2.5.0.33"); None: it has none."""
    found = (each for each in requirements(package) if canonical(each.name) == canonical(dependency))
    return next((bare(each) for each in found if each.url is None), None)


def unmet(package: str, dependency: str) -> str | None:
    """The requirement, as *package* words it, that the installed version of a dependency does not meet; None: it does."""
    installed = version(dependency)
    for each in requirements(package):
        if canonical(each.name) == canonical(dependency) and each.url is None and installed is not None:
            return None if each.specifier.contains(installed, prereleases=True) else bare(each)
    return None


def missing_requirements(package: str) -> list[str]:
    """What the package requires and is not installed, as it words it. What it wants from an address is left out."""
    return [bare(each) for each in requirements(package) if each.url is None and by_name(each.name) is None]


def bare(requirement: Requirement) -> str:
    """Name and versions, without the marker."""
    return f"{requirement.name}{requirement.specifier}"


def recorded(package: str, file_name: str) -> bool:
    """Whether the package was installed with a file of that name."""
    found = distribution(package)
    return found is not None and any(file.rsplit("/", 1)[-1] == file_name for file in found.files)


def library_names(library: str) -> list[tuple[str, str]]:
    """Who gives a name to a library (entry point group `findlibs2.names`), and the value as written; nothing is loaded.

    Sorted by the name of the distribution, so that the order on the path decides nothing.
    """
    return sorted(row for distribution in distributions.distributions() for row in named(distribution, library))


def named(distribution: Any, library: str) -> list[tuple[str, str]]:
    """What one distribution says; nothing, where its metadata are malformed in whatever way."""
    try:
        given = distribution.entry_points
        return [(distribution.name, each.value) for each in given if (each.group, each.name) == (names.GROUP, library)]
    except Exception:
        return []
