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
    from collections.abc import Iterable, Mapping
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


class Asked(Record):
    """What an installed distribution requires of an import package, here and now."""

    by: str  # the distribution, as it spells its name
    by_version: str
    by_package: str | None  # import name, where it is one of those that were asked about
    of: str  # import name
    requirement: str  # as it words it: "eckitlib==2.5.0.33"
    exactly: str | None  # the one version that it takes ("2.5.0.33"); None: several
    met: bool


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
    return applying(found.requires) if found is not None else []


def applying(texts: Iterable[str]) -> list[Requirement]:
    """Those that hold here and now: markers evaluated, extras left out. What cannot be read is left out, too."""
    parsed = [parse(text) for text in texts]
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


def meets(version: str, requirement: Requirement) -> bool:
    """PEP 440. What is no version at all is not held against anybody."""
    from packaging.version import InvalidVersion, Version

    try:
        return requirement.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return True


def asking(there: Mapping[str, str]) -> list[Asked]:
    """What every installed distribution requires of the import packages, whose versions are given."""
    packages = {one_spelling(known_as(package)): package for package in there}
    found: dict[str, list[Asked]] = {}  # by distribution; of several of one name the first is the one that is in use
    for each in distributions.distributions():
        name, asks = asked(each, packages, there)
        found.setdefault(name, asks)
    return [each for of_one in found.values() for each in of_one]


def one_spelling(name: str) -> str:
    """As `canonical`, which brings half of `packaging`."""
    return "-".join(filter(None, name.lower().replace("_", "-").replace(".", "-").split("-")))


def known_as(package: str) -> str:
    """The name of the distribution that installed an import package; unknown, mostly of a tree on the path: its own."""
    try:
        distributions.distribution(package)
    except (distributions.PackageNotFoundError, OSError, ValueError):
        return next(iter(distributions.packages_distributions().get(package, [])), package)
    return package


def asked(found: Any, packages: Mapping[str, str], there: Mapping[str, str]) -> tuple[str, list[Asked]]:
    """The name of one distribution in one spelling, and what it requires of the packages (such a name -> import name);
    nothing, where its metadata are malformed in whatever way."""
    try:
        name, version, requires = head(found)
        by, asks = packages.get(one_spelling(name)), []
        for text in requires:
            if any(each in one_spelling(text) for each in packages):
                asks += required(text, packages, there)
        return one_spelling(name), [Asked(name, version, by, *each) for each in asks]
    except Exception:
        return "", []


def head(found: Any) -> tuple[str, str, list[str]]:
    """Name, version, requirements. They stand in lines of their own; understanding all takes many times as long."""
    lines = str(found.read_text("METADATA") or "").partition("\n\n")[0].split("\n")
    fields = [(field, value.strip()) for field, _, value in (line.partition(":") for line in lines)]
    known = dict(reversed(fields))
    if "Name" not in known or "Version" not in known:  # egg-info
        return found.metadata["Name"], found.version, found.requires or []
    return known["Name"], known["Version"], [value for field, value in fields if field == "Requires-Dist"]


def required(
    text: str, packages: Mapping[str, str], there: Mapping[str, str]
) -> list[tuple[str, str, str | None, bool]]:
    """Of a requirement: the package, the words, the one version, whether that is met; nothing, if it is of no package."""
    name, _, version = text.partition("==")
    of = packages.get(one_spelling(name))
    if of is not None and version == there[of]:  # as nearly all are; `packaging` is dear
        return [(of, text, version, True)]
    needs = ((each, packages.get(one_spelling(each.name))) for each in applying([text]) if each.url is None)
    return [(of, bare(each), exactly(each), meets(there[of], each)) for each, of in needs if of is not None]


def exactly(requirement: Requirement) -> str | None:
    versions = [each.version for each in requirement.specifier if each.operator == "=="]
    return versions[0] if len(versions) == 1 and not versions[0].endswith(".*") else None


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
