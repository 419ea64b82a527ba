"""The one command that repairs a mixture of releases: what installed packages ask for, and is not there. Cold.

EFFECT: through `metadata` and `packages`. What the wrapper of the wanted library asks for decides, then what that asks for,
and so on: of each wrapper the version that is asked for nearest to what was wanted. So one command ends in one release. If
every file that misses something spoke for its own wrapper, neighbours of different releases would undo each other's fixes.
"""

from __future__ import annotations

from . import metadata, names, packages
from .model import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from packaging.requirements import Requirement


class Wanted(Record):
    """What an installed distribution asks for, and is not there."""

    requirement: str  # as it words it
    by: str  # the distribution


class Repair(Record):
    """What to install, all at once, as installed packages word it; and who of them ask for it."""

    requirements: tuple[str, ...]
    asked_by: tuple[str, ...]  # distributions
    relied_on_by: tuple[str, ...] = ()  # distributions that ask for what is there now, "mirlib 1.30.2.33"


def repair(wrappers: Iterable[str], also_new: bool = False) -> Repair | None:
    """What makes the wrappers (import names) of the wanted libraries one release with what they need; None: nothing known.

    Only what an installed package asks for is installed, and only wrappers are replaced. Where all who ask for a wrapper of
    `wrappers` ask for another one, so be it. `also_new`: what is not there at all is wanted too, it may be what is missing.
    """
    decided: dict[str, Wanted | None] = {each: agreed(each) for each in wrappers}  # None: it stays as it is
    right = [each for each, wanted in decided.items() if wanted is None]  # whose own word counts
    for wrapper in right:  # grows
        for name, wanted in (*required(wrapper), *declared(wrapper, decided)):
            if decided.setdefault(name, wanted) is None and name not in right:
                right.append(name)
    changed = {
        name: wanted
        for name, wanted in decided.items()
        if wanted is not None and (is_replaceable(name) or (also_new and is_new(name)))
    }
    return described(changed) if changed else None


def required(wrapper: str) -> Iterator[tuple[str, Wanted | None]]:
    """What the metadata of a wrapper ask for, by import name; None: it is there."""
    for each in metadata.requirements(wrapper):
        if each.url is None:
            wanted = Wanted(metadata.bare(each), spelled(wrapper))
            yield names.import_name(each.name), None if is_met(each) else wanted


def declared(wrapper: str, known: Container[str]) -> Iterator[tuple[str, Wanted | None]]:
    """What its source declares besides, and what everybody asks for of that: pins are forgotten."""
    found, _ = packages.find(wrapper)
    names = (found.depends_on or ()) if found is not None else ()
    return ((name, agreed(name)) for name in names if name not in known)


def agreed(wrapper: str) -> Wanted | None:
    """What all others ask for of a wrapper, where that is not there, and who does; None, where two of them differ."""
    there = metadata.version(wrapper)
    asked = [each for each in metadata.asking({wrapper: there}) if each.by_package is None] if there else []
    if any(each.met for each in asked) or len({each.requirement for each in asked}) != 1:
        return None
    return Wanted(asked[0].requirement, min(each.by for each in asked))


def is_met(requirement: Requirement) -> bool:
    there = metadata.by_name(requirement.name)
    return there is not None and metadata.meets(there.version, requirement)


def is_replaceable(name: str) -> bool:
    """Whether it is a wrapper that an installer would replace: of a copy that hides the installed one it knows nothing."""
    there, (found, _) = metadata.by_name(name), packages.find(name)
    return there is not None and found is not None and found.declared and found.version in (None, there.version)


def is_new(name: str) -> bool:
    return metadata.by_name(name) is None and packages.find(name)[0] is None


def spelled(package: str) -> str:
    there = metadata.distribution(package)
    return there.name if there is not None else package


def described(changed: dict[str, Wanted]) -> Repair:
    """With those who will no longer have what they ask for."""
    there = {name: version for name in changed if (version := metadata.version(name)) is not None}
    relying = [each for each in metadata.asking(there) if each.met and each.by_package is None] if there else []
    return Repair(
        tuple(each.requirement for each in changed.values()),
        tuple(dict.fromkeys(each.by for each in changed.values())),
        tuple(sorted({f"{each.by} {each.by_version}" for each in relying})),
    )
